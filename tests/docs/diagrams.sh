#!/bin/sh
# Each picture in docs/diagrams was made from the text beside it, as that is now.
set -u
cd "$(dirname "$0")/../../docs/diagrams" || exit 1
status=0
for source in *.dot; do
    sum=$(sha256sum <"$source" | cut -d ' ' -f 1)
    if ! grep -q "($sum)" "${source%.dot}.svg"; then
        echo "docs/diagrams/${source%.dot}.svg is out of date; 'make diagrams' draws it"
        status=1
    fi
    dot -Tsvg -o /dev/null "$source" || status=1
done
exit $status
