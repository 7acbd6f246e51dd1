# How many times as fast as QEMU our machine is, program by program: gnuplot -c qemu.gnuplot TABLE SVG
set terminal svg size 1100,480 font "sans-serif,12" background "white"
set output ARG2
set datafile separator comma
set title "ftvm compared with the best QEMU of each program (more than 1: ftvm is faster)"
set ylabel "times as fast"
set logscale y 2
set grid ytics
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set xtics rotate by -45 nomirror
set key top left
set arrow from graph 0, first 1 to graph 1, first 1 nohead linewidth 2 front
plot ARG1 using "to best TCG":xtic(1) title "QEMU, TCG" linecolor rgb "#4477aa", \
     ARG1 using "to best icount":xtic(1) title "QEMU, -icount shift=0" linecolor rgb "#ddaa55"
