"""Listings: the code blocks of a Markdown file, each with the proof that stands before it.

A proof is a comment right above the block: <!-- proof: KIND KEY=VALUE ... --> (CONTRIBUTING.md has
the kinds). Readers of Markdown show the block and not the comment.
"""
import json
import re
import shlex
import subprocess

KINDS = {
    "run": {"in", "timeout", "numbers", "exit", "setup"},
    "make": {"without", "why"},
    "compile": {"in", "as", "frame"},
    "file": {"of"},
    "save": {"in", "as", "check"},
    "sample": {"of", "timeout"},
    "diagram": set(),
    "shown": {"why"},
}
NEEDS = {"file": "of", "save": "as", "sample": "of", "shown": "why"}
PROOF = re.compile(r"^\s*<!--\s*proof:\s*(.*?)\s*-->\s*$", re.S)


class Listing:
    def __init__(self, path, line, language, text, proof):
        self.path, self.line, self.language, self.text = path, line, language, text
        self.kind, self.options, self.error = None, {}, None
        if proof is None:
            self.error = "no proof: <!-- proof: KIND ... --> is missing above it"
            return
        words = shlex.split(proof)
        self.kind = words[0] if words else ""
        for word in words[1:]:
            key, equals, value = word.partition("=")
            self.options[key] = value if equals else "yes"
        if self.kind not in KINDS:
            self.error = f"unknown kind of proof '{self.kind}'; there are {', '.join(KINDS)}"
        elif set(self.options) - KINDS[self.kind]:
            self.error = f"a proof of kind '{self.kind}' has no {', '.join(set(self.options) - KINDS[self.kind])}"
        elif NEEDS.get(self.kind, "") and NEEDS[self.kind] not in self.options:
            self.error = f"a proof of kind '{self.kind}' needs {NEEDS[self.kind]}=..."

    @property
    def place(self):
        return f"{self.path}:{self.line}"

    @property
    def scene(self):
        """Listings with the same name, in one file, share a directory, shells and hosts."""
        return self.options.get("in", f"line-{self.line}")


def read(path):
    return read_manual(path) if path.startswith("man/") else read_page(path)


def read_page(path):
    """As pandoc reads it, so that nothing that is shown as code is overlooked."""
    done = subprocess.run(["pandoc", "-f", "gfm+sourcepos", "-t", "json", path],
                          capture_output=True, text=True, check=True)
    listings, comment = [], None

    def walk(blocks):
        nonlocal comment
        for block in blocks:
            kind, content = block["t"], block.get("c")
            if kind == "RawBlock":
                found = PROOF.match(content[1])
                comment = found[1] if found else None
                continue
            if kind == "CodeBlock":
                (_, classes, attributes), text = content
                position = [value for key, value in attributes if key == "data-pos"][-1]
                line = int(re.search(r"@(\d+):", position)[1])
                listings.append(Listing(path, line, classes[0] if classes else "", text, comment))
                comment = None
            elif kind in ("Div", "BlockQuote"):
                walk(content[1] if kind == "Div" else content)
            elif kind in ("BulletList", "OrderedList"):
                for item in content[1] if kind == "OrderedList" else content:
                    walk(item)
                comment = None
            else:
                comment = None

    walk(json.loads(done.stdout)["blocks"])
    return listings


def read_manual(path):
    """Manual pages are another Markdown, with definition lists: their listings have fences."""
    listings, comment, fence = [], None, None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text = line.rstrip("\n")
        if fence:
            if text.strip() == fence[0]:
                listings.append(Listing(path, fence[1], fence[2], "\n".join(fence[3]), comment))
                fence, comment = None, None
            else:
                indent = fence[4]
                fence[3].append(text[indent:] if not text[:indent].strip() else text)
            continue
        found = re.match(r"^( *)(```+|~~~+) *(\S*)", text)
        if found:
            fence = (found[2], number, found[3], [], len(found[1]))
        elif PROOF.match(text):
            comment = PROOF.match(text)[1]
        elif text.strip():
            comment = None
    return listings


class Command:
    """A command of a console listing: where it is typed, and the lines that follow it there."""

    def __init__(self, host, text):
        self.host, self.text, self.expected = host, text, []


def commands(text):
    """Lines with a prompt ("$ ", "hostA$ ") are commands, others what comes of them. A listing
    without any prompt is commands alone. A backslash, or a here-document, goes on."""
    prompt = re.compile(r"^(\w*)\$ (.*)$")
    lines = text.split("\n")
    prompted = any(prompt.match(line) for line in lines)
    found, waiting = [], None
    for line in lines:
        last = found[-1] if found else None
        if waiting:
            last.text += "\n" + line
            waiting = None if line.strip() == waiting else waiting
        elif last and last.text.endswith("\\") and not last.expected:
            last.text += "\n" + line
        elif prompted and not prompt.match(line):
            if last is None:
                raise ValueError("output before the first command")
            last.expected.append(line)
            continue
        elif prompted:
            found.append(Command(prompt.match(line)[1], prompt.match(line)[2]))
        elif line.strip() and not line.lstrip().startswith("#"):
            found.append(Command("", line))
        else:
            continue
        here = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", found[-1].text.split("\n")[-1])
        if here and waiting is None and len(found[-1].text.split("\n")) == 1:
            waiting = here[1]
    for command in found:
        while command.expected and not command.expected[-1].strip():
            command.expected.pop()
    return found
