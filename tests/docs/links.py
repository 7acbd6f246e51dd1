#!/usr/bin/python3
"""No dead link: neither in the site that `make docs` made, nor in the Markdown as one reads it in the
repository, nor in what of that is installed.

    tests/docs/links.py SITE INSTALLED      INSTALLED: PREFIX/share/doc/ftvm

Checked are files, folders and anchors; of the API reference's own pages, that they are there. Links
to other hosts are not followed.
"""
import glob
import html.parser
import os
import re
import sys
import unicodedata
import urllib.parse

EXTERNAL = re.compile(r"^([a-z][a-z0-9+.-]*:|//)")


class Reader(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(open(path, encoding="utf-8").read())

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("id", "name"):
                self.ids.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)
            if tag == "link" or tag == "script" and name == "src":
                self.links.append("external:" + (value or "") if EXTERNAL.match(value or "") else "#")


def check_site(site):
    errors, pages, count = [], {}, 0

    def page(path):
        if path not in pages:
            pages[path] = Reader(path)
        return pages[path]

    api = os.path.join(site, "api")
    for path in sorted(glob.glob(site + "/**/*.html", recursive=True)):
        if path.startswith(api + os.sep):
            continue
        for link in page(path).links:
            count += 1
            if EXTERNAL.match(link) or link == "#":
                continue
            file, _, anchor = urllib.parse.unquote(link).partition("#")
            target = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            if os.path.isdir(target) or not os.path.exists(target):
                errors.append(f"{path}: {link}: there is no {target}")
            elif not target.startswith(site + os.sep):
                errors.append(f"{path}: {link}: outside of the site")
            elif anchor and target.endswith(".html") and anchor not in page(target).ids:
                errors.append(f"{path}: {link}: no such anchor")
    return errors, count


def without_code(text):
    """Blanks out code blocks and code spans, so that what looks like a link there is none."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"^(```|~~~).*?^\1\s*$", "", text, flags=re.S | re.M)
    text = re.sub(r"(?m)(?<=\n\n)((?: {4}.*\n)+)", "\n", text)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "CODE", text, flags=re.S)


def anchors(path, cache={}):
    """Anchors of the headings, as those who show Markdown name them."""
    if path not in cache:
        found, seen = set(), {}
        text = re.sub(r"^(```|~~~).*?^\1\s*$", "", open(path, encoding="utf-8").read(), flags=re.S | re.M)
        for title in re.findall(r"^#{1,6} +(.*?) *#*$", text, flags=re.M):
            title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").replace("*", "")
            slug = "".join(letter for letter in unicodedata.normalize("NFC", title.lower())
                           if letter.isalnum() or letter in " -_").replace(" ", "-")
            number = seen.get(slug, 0)
            seen[slug] = number + 1
            found.add(f"{slug}-{number}" if number else slug)
        cache[path] = found
    return cache[path]


def check_markdown(root, without):
    """Of all Markdown below the folder `root`, but for its folder `without`; links lead out of neither."""
    errors, count = [], 0
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")
                      and os.path.join(folder, name) != os.path.join(root, without)]
        for name in sorted(names):
            if not name.endswith(".md"):
                continue
            path = os.path.normpath(os.path.join(folder, name))
            text = without_code(open(path, encoding="utf-8").read())
            links = re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", text)
            links += re.findall(r"^\[[^\]]+\]:\s+(\S+)", text, flags=re.M)
            for link in links:
                count += 1
                if EXTERNAL.match(link):
                    continue
                file, _, anchor = urllib.parse.unquote(link).partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
                if not os.path.exists(target):
                    errors.append(f"{path}: {link}: there is no {target}")
                elif os.path.relpath(target, root).startswith(".."):
                    errors.append(f"{path}: {link}: outside of {root}")
                elif anchor and target.endswith(".md") and anchor not in anchors(target):
                    errors.append(f"{path}: {link}: no such heading")
    return errors, count


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    site, installed = (os.path.normpath(path) for path in sys.argv[1:])
    if not os.path.exists(os.path.join(site, "index.html")):
        sys.exit(f"links: there is no site in {site}; 'make docs' makes it")
    if not os.path.exists(os.path.join(installed, "examples/counter/README.md")):
        sys.exit(f"links: nothing is installed in {installed}; 'make docs-prefix' does it")
    errors, site_count = check_site(site)
    in_markdown, markdown_count = check_markdown(".", "build")
    in_installed, installed_count = check_markdown(installed, "html")
    errors += in_markdown + in_installed
    for error in errors:
        print(error)
    print(f"links: {site_count} in the site, {markdown_count} in Markdown, {installed_count} in what is "
          f"installed, {len(errors)} dead")
    sys.exit(1 if errors else 0)


main()
