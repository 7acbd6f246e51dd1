# Makes doxygen comments of the public headers' plain ones, so that the headers stay as they are:
#
#   the first comment of a file             what the file is
#   /* ---- Title ---- */                   begins a group
#   a comment right above something         its documentation; of a run of functions, or callbacks,
#                                           without a line in between: of each of them
#   a comment behind a field, a value       its documentation
#   a comment with nothing right below it   stays a comment
#
# An enum whose values come from an X-macro, X(NAME, NUMBER, "text"), is written out, with the texts
# as documentation. Lines are not counted on: an X-macro's enum is longer than its source.

function flush_comment() {
    if (comment == "")
        return
    if (first)
        sub(/\/\*/, "/** @file", comment)
    print comment
    comment = ""
    first = 0
}

function end_group() {
    if (in_group)
        print "/** @} */"
    in_group = 0
}

function begin_group(line, title, name) {
    title = line
    gsub(/^\/\* -+ | -+ \*\/$/, "", title)
    name = tolower(title)
    gsub(/[^a-z0-9]+/, "_", name)
    end_group()
    printf "/** @defgroup %s %s\n * @{ */\n", name, title
    in_group = 1
}

# A declaration begins on this line, with a function or a callback.
function is_function(line) {
    return line ~ /^[ ]*(FTVM_API[ ]+)?[a-z_][A-Za-z0-9_ *]*\(/ && line !~ /^[ ]*(return|if|for|while)/
}

# The line without its trailing comment; what is open at its end goes on in the next one.
function code_of(line) {
    sub(/[ ]*\/\*.*$/, "", line)
    return line
}

BEGIN { first = 1 }

# Inside of a comment.
in_comment {
    if (in_comment == "leading")
        comment = comment "\n" $0
    else
        print
    if ($0 ~ /\*\//)
        in_comment = ""
    next
}

/^\/\* -+ .* -+ \*\/$/ {
    flush_comment()
    begin_group($0)
    covering = ""
    next
}

/^[ ]*\/\*/ {
    flush_comment()
    comment = $0
    if ($0 !~ /\*\//)
        in_comment = "leading"
    next
}

/^[ ]*$/ {
    flush_comment()    # nothing right below it
    covering = ""
    print
    next
}

# The last lines of a header.
/^#ifdef __cplusplus/ && in_group { end_group() }

# X-macros: remembered, and written out where an enum uses them.
/^#define [A-Z_0-9]+\(X\)/ { collecting = $2; sub(/\(X\).*/, "", collecting) }
collecting && match($0, /X\([^"]*"[^"]*"\)/) {
    item = substr($0, RSTART + 2, RLENGTH - 3)
    split(item, part, /, */)
    text = item
    sub(/^[^"]*"/, "", text)
    sub(/"$/, "", text)
    items[collecting] = items[collecting] sprintf("    /** %s */\n    %s = %s,\n", text, part[1], part[2])
}
collecting && !/\\$/ { collecting = ""; was_collecting = 1 }
/^(typedef )?enum .*\{[ ]*$/ { in_enum = 1 }
in_enum && /^\}/ { in_enum = 0 }
in_enum && /^#(define|undef)/ { next }
in_enum && /^[ ]*[A-Z_0-9]+\([A-Z_0-9]+\)$/ {
    name = $1
    sub(/\(.*/, "", name)
    printf "%s", items[name]
    next
}

{
    if (comment != "") {
        text = comment
        sub(/\/\*/, first ? "/** @file" : "/**", text)
        print text
        covering = (!first && is_function($0)) ? comment : ""
        first = 0
        comment = ""
    } else if (covering != "" && at_start && is_function($0)) {
        text = covering
        sub(/\/\*/, "/**", text)
        print text
    } else if (at_start && !is_function($0))
        covering = ""
    line = $0
    # Two fields share a line, and what is said behind them.
    if (match(line, /^[ ]+[A-Za-z_][A-Za-z0-9_ *]* [a-z_0-9]+(, [a-z_0-9]+)+;[ ]*\/\*.*\*\/$/)) {
        type = code_of(line)
        sub(/ [a-z_0-9]+,.*$/, "", type)
        names = substr(code_of(line), length(type) + 2)
        sub(/;$/, "", names)
        text = line
        sub(/^.*\/\*/, "/**<", text)
        count = split(names, field, /, */)
        for (i = 1; i <= count; i++)
            printf "%s %s; %s\n", type, field[i], text
        at_start = 1
        next
    }
    if (line ~ /\/\*/ && line !~ /^#(endif|else|if)/) {
        sub(/\/\*/, "/**<", line)
        if (line !~ /\*\//)
            in_comment = "trailing"
    }
    print line
    at_start = code_of($0) ~ /[;{}]$/
}

END {
    flush_comment()
    end_group()
}
