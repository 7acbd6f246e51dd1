/*
 * Draws a section's table with gnuplot: RESULTS/SECTION.table.csv becomes RESULTS/SECTION.svg, as
 * bench/plots/SECTION.gnuplot says. Without gnuplot it says so, and nothing is lost but the
 * picture.
 */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include "bench/bench.h"

void plot_draw(struct bench *bench);

#endif
