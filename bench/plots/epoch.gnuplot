# Speed and log over the length of an epoch: gnuplot -c epoch.gnuplot TABLE SVG
set terminal svg size 800,480 font "sans-serif,12" background "white"
set output ARG2
set datafile separator comma
set title "The length of an epoch: integer work in a protected guest"
set xlabel "instructions per epoch"
set ylabel "normalized performance (protected / unprotected)"
set y2label "log, kbit/s"
set logscale x 10
set logscale y2 10
set format x "10^{%L}"
set yrange [0:1.1]
set ytics nomirror
set y2tics
set grid xtics ytics
set key bottom center
of(form, value) = strcol(1) eq form ? value : NaN
plot ARG1 using 2:(of("revised", $3)) every ::1 with linespoints linewidth 2 pointtype 7 linecolor rgb "#4477aa" title "performance, revised", \
     ARG1 using 2:(of("original", $3)) every ::1 with linespoints linewidth 2 pointtype 5 linecolor rgb "#ddaa55" title "performance, original", \
     ARG1 using 2:(of("revised", $4)) every ::1 axes x1y2 with linespoints dashtype 2 pointtype 6 linecolor rgb "#4477aa" title "log, revised", \
     ARG1 using 2:(of("original", $4)) every ::1 axes x1y2 with linespoints dashtype 2 pointtype 4 linecolor rgb "#ddaa55" title "log, original"
