#!/bin/sh
# Draws docs/diagrams/*.dot as SVG beside them. A picture says which text it was made of, so that
# tests/docs/diagrams.sh sees one that is out of date, whatever version of graphviz drew it. Its
# colours follow the reader's choice of light or dark.
set -eu
cd "$(dirname "$0")/../diagrams"

style='<style>
svg { --line: #59626d; --text: #1c1e21; --box: #f3f4f6; --live: #dcebdc; --other: #e1e9f6; --lost: #f6dcdc; }
@media (prefers-color-scheme: dark) {
svg { --line: #9aa4af; --text: #dfe3e8; --box: #262c33; --live: #24402a; --other: #23344f; --lost: #522a2a; } }
text { fill: var(--text); font-family: Helvetica, Arial, "Liberation Sans", sans-serif; }
.graph > polygon { fill: none; stroke: none; }
.edge path, .edge polygon, .edge polyline { stroke: var(--line); }
.edge polygon { fill: var(--line); }
.node polygon, .node path, .node ellipse, .cluster polygon, .cluster path { fill: var(--box); stroke: var(--line); }
.cluster polygon, .cluster path { fill: none; }
.live polygon, .live path, .live ellipse { fill: var(--live); }
.other polygon, .other path, .other ellipse { fill: var(--other); }
.lost polygon, .lost path, .lost ellipse { fill: var(--lost); }
.plain polygon, .plain path { fill: none; stroke: none; }
.dot ellipse { fill: var(--line); }
</style>'

for source in ${*:-*.dot}; do
    picture=${source%.dot}.svg
    sum=$(sha256sum <"$source" | cut -d ' ' -f 1)
    dot -Tsvg "$source" | awk -v style="$style" -v sum="$sum" -v source="$source" '
        /^<!-- (Generated|  )/ || /^ -->$/ { next }
        /^<!-- / && !/-->/ { next }
        /^<!DOCTYPE/ { skipping = 1 }
        skipping { if (/>$/) skipping = 0; next }
        /^<g id="graph0"/ { print "<!-- made from " source " (" sum ") by make diagrams -->"; print style }
        { print }' >"$picture.new"
    mv "$picture.new" "$picture"
done
