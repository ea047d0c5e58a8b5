{
  # The native addon through node-gyp, for machines without CMake. Its counterpart is CMakeLists.txt; both take their sources
  # from native-sources.json. scripts/build-native.mjs runs it with headers from node-api-headers: nothing is downloaded.
  'targets': [
    {
      'target_name': 'unclip',
      'sources': ['<!@(node -p "require(\'./native-sources.json\').join(\' \')")'],
      'include_dirs': [
        '<!(node -p "require(\'node-api-headers\').include_dir")',
        '<!(node -p "require(\'node-addon-api\').include_dir")',
      ],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_CPP_EXCEPTIONS_ALL'],
      'cflags!': ['-fno-exceptions'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++20', '-O3', '-Wall', '-Wextra', '-ffp-contract=off', '-fvisibility=hidden', '-fPIC', '-pthread'],
      'ldflags': ['-pthread'],
      'xcode_settings': {
        'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
        'MACOSX_DEPLOYMENT_TARGET': '11.0',
        'OTHER_CPLUSPLUSFLAGS': ['-O3', '-ffp-contract=off'],
      },
      'msvs_settings': {
        'VCCLCompilerTool': {'ExceptionHandling': 1, 'AdditionalOptions': ['/std:c++20', '/utf-8']},
      },
    },
  ],
}
