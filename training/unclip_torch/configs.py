"""Configurations of the exported components, in the words of diffusers and transformers."""

EMBEDDING = 128
CONTEXT = 128
VERSION = "0.21.4"


def text_config(vocabulary):
    return {
        "architectures": ["CLIPTextModelWithProjection"], "attention_dropout": 0.0, "bos_token_id": vocabulary - 2,
        "dropout": 0.0, "eos_token_id": vocabulary - 1, "hidden_act": "quick_gelu", "hidden_size": EMBEDDING,
        "initializer_factor": 1.0, "initializer_range": 0.02, "intermediate_size": 512, "layer_norm_eps": 1e-05,
        "max_position_embeddings": 77, "model_type": "clip_text_model", "num_attention_heads": 4,
        "num_hidden_layers": 3, "pad_token_id": vocabulary - 1, "projection_dim": EMBEDDING, "torch_dtype": "float16",
        "transformers_version": "4.27.1", "vocab_size": vocabulary,
    }


VISION = {
    "architectures": ["CLIPVisionModelWithProjection"], "attention_dropout": 0.0, "hidden_act": "quick_gelu",
    "hidden_size": 160, "image_size": 64, "initializer_factor": 1.0, "initializer_range": 0.02,
    "intermediate_size": 640, "layer_norm_eps": 1e-05, "model_type": "clip_vision_model", "num_attention_heads": 5,
    "num_channels": 3, "num_hidden_layers": 4, "patch_size": 16, "projection_dim": EMBEDDING, "torch_dtype": "float16",
    "transformers_version": "4.27.1",
}

PRIOR = {
    "_class_name": "PriorTransformer", "_diffusers_version": VERSION, "added_emb_type": "prd",
    "additional_embeddings": 4, "attention_head_dim": 32, "clip_embed_dim": None, "dropout": 0.0,
    "embedding_dim": EMBEDDING, "embedding_proj_dim": None, "embedding_proj_norm_type": None,
    "encoder_hid_proj_type": "linear", "norm_in_type": None, "num_attention_heads": 4, "num_embeddings": 77,
    "num_layers": 4, "time_embed_act_fn": "silu", "time_embed_dim": None,
}

AR_PRIOR = {
    "_class_name": "AutoregressivePrior", "attention_head_dim": 32, "embedding_dim": EMBEDDING, "num_attention_heads": 4,
    "num_buckets": 64, "num_codes": 32, "num_embeddings": 77, "num_layers": 4, "num_scores": 32,
}


def scheduler(clip_range):
    return {
        "_class_name": "UnCLIPScheduler", "_diffusers_version": VERSION, "beta_schedule": "squaredcos_cap_v2",
        "clip_sample": True, "clip_sample_range": clip_range, "num_train_timesteps": 1000, "prediction_type": "sample",
        "variance_type": "fixed_small_log",
    }


def _unet(widths, groups, **more):
    return {
        "_diffusers_version": VERSION, "act_fn": "silu", "block_out_channels": widths, "center_input_sample": False,
        "downsample_padding": 1, "flip_sin_to_cos": True, "freq_shift": 0, "layers_per_block": 1,
        "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": groups, "num_class_embeds": None,
        "out_channels": 3, "dropout": 0.0, "time_embedding_type": "positional", **more,
    }


DECODER = _unet(
    [16, 32, 96, 160], 8,
    _class_name="UNet2DConditionModel", in_channels=3, sample_size=64, attention_head_dim=32, cross_attention_dim=CONTEXT,
    class_embed_type="identity", resnet_time_scale_shift="scale_shift",
    down_block_types=["ResnetDownsampleBlock2D", "ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"],
    mid_block_type="UNetMidBlock2DSimpleCrossAttn",
    up_block_types=["SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D", "ResnetUpsampleBlock2D"],
    addition_embed_type=None, addition_embed_type_num_heads=64, addition_time_embed_dim=None, attention_type="default",
    class_embeddings_concat=False, conv_in_kernel=3, conv_out_kernel=3, cross_attention_norm=None,
    dual_cross_attention=False, encoder_hid_dim=None, encoder_hid_dim_type=None, mid_block_only_cross_attention=None,
    num_attention_heads=None, only_cross_attention=False, projection_class_embeddings_input_dim=None,
    resnet_out_scale_factor=1.0, resnet_skip_time_act=False, time_cond_proj_dim=None, time_embedding_act_fn=None,
    time_embedding_dim=None, timestep_post_act=None, transformer_layers_per_block=1, upcast_attention=False,
    use_linear_projection=False,
)

TEXT_PROJ = {
    "_class_name": "UnCLIPTextProjModel", "_diffusers_version": VERSION, "clip_embeddings_dim": EMBEDDING,
    "clip_extra_context_tokens": 4, "cross_attention_dim": CONTEXT, "time_embed_dim": DECODER["block_out_channels"][0] * 4,
}


def super_res(sample_size):
    return _unet(
        [12, 16, 24, 32], 1,
        _class_name="UNet2DModel", in_channels=6, sample_size=sample_size, add_attention=False, attention_head_dim=8,
        class_embed_type=None, resnet_time_scale_shift="default", downsample_type="conv", upsample_type="conv",
        down_block_types=["ResnetDownsampleBlock2D"] * 4, up_block_types=["ResnetUpsampleBlock2D"] * 4,
    )


PREPROCESSOR = {
    "crop_size": {"height": 64, "width": 64}, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
    "do_rescale": True, "do_resize": True, "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_processor_type": "CLIPImageProcessor", "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3,
    "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 64},
}
