#!/usr/bin/python3
"""The manual pages and the command agree, and the pages are well-formed.

    tests/docs/man.py BUILD      with BUILD/ftvm and BUILD/man, made by 'make all man'

- ftvm(1) has each option of `ftvm COMMAND --help`, with its value, its commands and its default, and
  no other; and so for exit codes.
- ftvm-events(5) has each kind of event, ftvm-control(5) each field of a status.
- Sections, references to other pages, and what man and mandoc warn of.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

COMMANDS = ("run", "primary", "backup", "status", "stop", "promote")
errors = []


def text_of(path):
    return open(path, encoding="utf-8").read()


def plain(text):
    """Without the marks of Markdown."""
    return re.sub(r"\\(.)", r"\1", text.replace("*", ""))


def options_of_help(ftvm):
    """{option: (value, {commands}, defaults)} as the command tells them."""
    found = {}
    for command in COMMANDS:
        printed = subprocess.run([ftvm, command, "--help"], capture_output=True, text=True, check=True).stdout
        for match in re.finditer(r"^  --(\S+)(?: (\S+))?\s((?:.*\n)(?: {26}.*\n)*)", printed, flags=re.M):
            name, value, text = match.groups()
            defaults = set(re.findall(r"(?<=\s)\((\d+[KMG]?)\)", text))
            entry = found.setdefault(name, (value or "", set(), defaults))
            entry[1].add(command)
    return found


def options_of_page(page):
    found = {}
    for match in re.finditer(r"^\*\*\\--(\S+?)\*\*(?: \*(.+?)\*)? \((.+?)\)\n((?:[: ].*\n|\n(?= ))*)", page, flags=re.M):
        name, value, commands, text = match.groups()
        found[name] = (plain(value or ""), set(commands.split(", ")), set(re.findall(r"(?<=\s)\((\d+[KMG]?)\)", text)))
    return found


def compare(what, here, there):
    for name in sorted(set(here) | set(there)):
        if name not in there:
            errors.append(f"{what} {name}: the command has it, the page does not")
        elif name not in here:
            errors.append(f"{what} {name}: the page has it, the command does not")
        elif here[name] != there[name]:
            errors.append(f"{what} {name}: the command says {here[name]}, the page {there[name]}")


def check_command(build):
    page = text_of("man/ftvm.1.md")
    ftvm = os.path.join(build, "ftvm")
    options = options_of_help(ftvm)
    if len(options) < 20:
        errors.append(f"only {len(options)} options were found in the command's help")
    compare("option --", options, options_of_page(page))
    for config in re.findall(r"^(\w[\w-]*) *= ", text_of("man/ftvm-config.5.md"), flags=re.M):
        if config not in options:
            errors.append(f"ftvm-config(5): there is no option {config}")
    printed = subprocess.run([ftvm, "--help"], capture_output=True, text=True, check=True).stdout
    codes = re.findall(r"^  (\d+\+?) +\S", printed[printed.index("exit codes:"):], flags=re.M)
    status = page[page.index("# EXIT STATUS"):page.index("# FILES")]
    compare("exit code", dict.fromkeys(codes), dict.fromkeys(re.findall(r"^(\d+\+?)$", status, flags=re.M)))


def words_of_page(path, heading):
    text = text_of(path)
    begin = text.index(f"# {heading}\n")
    end = text.find("\n# ", begin)
    return text[begin:end]


def check_names():
    source = text_of("cli/event_format.c")
    kinds = re.findall(r'case FTVM_EVENT_\w+: return "(\w+)"', source)
    events = words_of_page("man/ftvm-events.5.md", "EVENTS")
    compare("event", dict.fromkeys(kinds), dict.fromkeys(re.findall(r"^\*\*(\w+)\*\*$", events, flags=re.M)))
    fields = set(re.findall(r'json_object_set_new\(object, "(\w+)"|add_(?:number|text)\(object, "(\w+)"', source))
    described = text_of("man/ftvm-events.5.md")
    for field in sorted({one or other for one, other in fields}):
        if f"**{field}**" not in described:
            errors.append(f"ftvm-events(5): the field {field} is missing")
    source = text_of("cli/status.c")
    fields = re.findall(r'json_object_set_new\(object, "(\w+)"', source)
    fields += re.findall(r"^    X\((\w+)\)", source, flags=re.M)
    described = words_of_page("man/ftvm-control.5.md", "STATUS")
    there = re.findall(r"\*\*([a-z_]+)\*\*", described)
    for field in fields:
        if field not in there:
            errors.append(f"ftvm-control(5): the field {field} is missing")
    for term in re.findall(r"^(\*\*.*\*\*)$", described, flags=re.M):
        for field in re.findall(r"\*\*(\w+)\*\*", term):
            if field not in fields:
                errors.append(f"ftvm-control(5): a status has no field {field}")


def aliases():
    """Functions and the pages of section 3 that name them."""
    found = set()
    for source in glob.glob("man/*.3.md"):
        name_line = text_of(source).split("\n")[2]
        found |= {f"{name}.3" for name in name_line.split(" - ")[0].split(", ")}
    return found


def check_functions():
    found = aliases()
    for header in sorted(glob.glob("libftvm/include/ftvm/*.h")):
        for name in re.findall(r"^FTVM_API [^;(]*?(\w+)\(", text_of(header), flags=re.M):
            if f"{name}.3" not in found:
                errors.append(f"{header}: no manual page names {name}()")


def check_pages(build):
    sources = sorted(glob.glob("man/*.md"))
    known = aliases()
    names = {os.path.basename(source)[:-len(".md")] for source in sources}
    for source in sources:
        text = text_of(source)
        headings = re.findall(r"^# (.*)$", text, flags=re.M)
        for wanted in ("NAME", "DESCRIPTION", "SEE ALSO"):
            if wanted not in headings:
                errors.append(f"{source}: the section {wanted} is missing")
        for name, section in re.findall(r"\*\*(ftvm[a-z_-]*|libftvm)\*\*\((\d)\)", text):
            if f"{name}.{section}" not in names | known:
                errors.append(f"{source}: there is no {name}({section})")
    for name in sorted(names):
        page = os.path.join(build, "man", name)
        if not os.path.exists(page):
            errors.append(f"{page} is missing; 'make man' makes it")
            continue
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, MANROFFSEQ="t", LC_ALL="C.UTF-8", MANWIDTH="80"))
        errors.extend(f"{page}: {line}" for line in done.stderr.splitlines())
        if shutil.which("mandoc"):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
            errors.extend(done.stdout.splitlines())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    check_command(sys.argv[1])
    check_names()
    check_functions()
    check_pages(sys.argv[1])
    for error in errors:
        print(error)
    print(f"man: {len(errors)} errors")
    sys.exit(1 if errors else 0)


main()
