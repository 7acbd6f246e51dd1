/*
 * A picture within a report: a script for gnuplot, whose SVG goes into the page. What it draws
 * stands in the script, so that the page needs nothing else.
 */
#ifndef FAULT_INJECTION_LAB_EXPERIMENT_PLOT_H
#define FAULT_INJECTION_LAB_EXPERIMENT_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#define PLOT_PATH_SIZE 64u

struct plot {
    FILE *script; /* to be written to; NULL if there is none */
    char script_path[PLOT_PATH_SIZE], picture_path[PLOT_PATH_SIZE];
};

/* Is there a gnuplot? If not, a line on stderr says how to come by it. */
bool plot_is_possible(void);

/* `number` tells the pictures of a page apart. The script has terminal and output when it returns.
 * False with errno; plot_end() is due in either case. */
bool plot_begin(struct plot *plot, unsigned number, unsigned height);
/* Text in quotes, for titles. */
void plot_text(struct plot *plot, const char *text);
/* Draws it into the page, or says there that it could not be drawn. */
void plot_end(struct plot *plot, FILE *page);

#endif
