import type { Report } from '../schema.js';

export const reportPage = (report: Report): string => JSON.stringify(report);
