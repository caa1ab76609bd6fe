// Figures of device tables in the unit that stands in the head of their column.
import { figureOf, showCapacity } from '../../format/quantity.ts';

export const giga = (value: number): string => figureOf(value / 1e9);
export const mega = (value: number): string => figureOf(value / 1e6);
export const gigabits = (value: number): string => figureOf((value * 8) / 1e9);
export const percent = (value: number): string => figureOf(value * 100);
export const milliseconds = (value: number): string => figureOf(value * 1000);
export const count = (value: number): string => figureOf(value);
export const whole = (value: number): string => value.toFixed(0);
export const capacity = (value: number): string => showCapacity(value) ?? '';
