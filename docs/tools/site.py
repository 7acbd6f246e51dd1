#!/usr/bin/python3
"""Makes the documentation's HTML pages out of Markdown.

    docs/tools/site.py OUTPUT

docs/site.txt has the pages in their order. docs/X.md becomes X.html, docs/README.md index.html, and
any other PATH/README.md PATH/index.html. All links are relative, so the site works from files.

Where a link of a page leads:
  to a page of the site           its HTML
  to a public header              its page of the API reference (api/, which doxygen makes)
  to another file below docs/     a copy of it in the same place
  to any other file, or folder    a rendered copy of it, source/PATH.html
  to a .md that is no page, or to nothing     that is an error
"""
import concurrent.futures
import html
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADERS = "libftvm/include/ftvm"
TEMPLATE = "docs/tools/template.html"
EXTERNAL = re.compile(r"^[a-z][a-z0-9+.-]*:")


class Page:
    """A line of docs/site.txt: a source, the title in the list of pages, the heading it is under."""

    def __init__(self, source, title, section):
        self.source, self.title, self.section = source, title, section
        self.output = output_of(source)


def output_of(source):
    if source.rstrip("/") == HEADERS:
        return "api/index.html"
    path = source[len("docs/"):] if source.startswith("docs/") else source
    if path == "README.md":
        path = "index.md" if source.startswith("docs/") else "readme.md"
    folder, name = os.path.split(path)
    if name == "README.md":
        name = "index.md"
    return os.path.join(folder, name[:-len(".md")].lower() + ".html")


def read_order(path="docs/site.txt"):
    pages, section = [], None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text = line.split("#")[0].rstrip()
        if not text:
            continue
        if not text[0].isspace():
            section = text
            continue
        words = text.split(None, 1)
        if len(words) != 2 or section is None:
            sys.exit(f"{path}:{number}: expected a heading, or below it: SOURCE TITLE")
        pages.append(Page(words[0], words[1], section))
    return pages


def check_order(pages):
    """Every page exists and stands there once; all Markdown below docs/ and man/ is a page."""
    errors = []
    sources = [page.source for page in pages]
    for source in sources:
        if not os.path.exists(source):
            errors.append(f"docs/site.txt: there is no {source}")
        if sources.count(source) > 1:
            errors.append(f"docs/site.txt: {source} stands there twice")
    for folder in ("docs", "man"):
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                if name.endswith(".md") and path not in sources:
                    errors.append(f"docs/site.txt: {path} is missing")
    return errors


class Site:
    def __init__(self, output):
        self.output = output
        self.pages = read_order()
        self.by_source = {page.source: page for page in self.pages}
        self.errors = check_order(self.pages)
        self.copies = set()   # files below docs/ that pages link to
        self.sources = set()  # files and folders of the repository that pages link to
        self.version = version()

    def error(self, source, href, reason):
        self.errors.append(f"{source}: link to {href}: {reason}")

    def place_of(self, target):
        """Where the file or folder `target` of the repository is in the site; None: nowhere."""
        if target in self.by_source:
            return self.by_source[target].output
        if os.path.isdir(target):
            if target == HEADERS:
                return "api/index.html"
            readme = os.path.normpath(os.path.join(target, "README.md"))
            if readme in self.by_source:
                return self.by_source[readme].output
            self.sources.add(target)
            return f"source/{target}/index.html"
        if target.endswith(".md") or not os.path.isfile(target):
            return None
        if os.path.dirname(target) == HEADERS:
            return f"api/{os.path.basename(target).replace('.', '_8')}.html"
        if target.startswith("docs/"):
            self.copies.add(target)
            return target[len("docs/"):]
        self.sources.add(target)
        return f"source/{target}.html"

    def rewrite(self, href, source, output):
        """A link of the page `source`, as it must be in `output`."""
        if EXTERNAL.match(href) or href.startswith("#"):
            return href
        path, _, anchor = href.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(source), path))
        place = self.place_of(target)
        if place is None:
            reason = ("it is no page of docs/site.txt" if os.path.isfile(target)
                      else "there is no such file")
            self.error(source, href, reason)
            return href
        return relative(place, output) + ("#" + anchor if anchor else "")

    def navigation(self, here):
        out, section = [], None
        for page in self.pages:
            if page.output == "index.html":
                continue
            if page.section != section:
                out.append(("</ul>\n" if section else "") + f"<h2>{html.escape(page.section)}</h2>\n<ul>")
                section = page.section
            current = ' aria-current="page"' if page.output == here else ""
            out.append(f'<li><a href="{relative(page.output, here)}"{current}>{html.escape(page.title)}</a></li>')
        return "\n".join(out) + "\n</ul>"

    def neighbour(self, page, step, arrow):
        index = self.pages.index(page) + step
        if not 0 <= index < len(self.pages):
            return ""
        other = self.pages[index]
        link = f'<a href="{relative(other.output, page.output)}">{html.escape(other.title)}</a>'
        return f"{arrow} {link}" if step < 0 else f"{link} {arrow}"

    def write(self, place, text):
        path = os.path.join(self.output, place)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def page(self, page):
        manual = page.source.startswith("man/")
        variables = {
            "nav": self.navigation(page.output),
            "root": "../" * page.output.count("/"),
            "version": self.version,
            "previous": self.neighbour(page, -1, "←"),
            "next": self.neighbour(page, +1, "→"),
            "origin": f"Made from <code>{page.source}</code>.",
            "heading": html.escape(page.title) if manual else "",
            "open": "" if manual or page.output == "index.html" else "yes",
        }
        title = "ftvm: " + page.title if page.output != "index.html" else "ftvm: documentation"
        command = ["pandoc", "-f", "markdown-smart" if manual else "gfm", "-t", "html5", "--toc",
                   "--toc-depth=2", "--template", TEMPLATE, "-M", f"pagetitle={title}"]
        if manual:
            command += ["--shift-heading-level-by=1"]
        for name, value in variables.items():
            if value:
                command += ["-V", f"{name}={value}"]
        text = run(command + [page.source])
        text = self.finish(text, page.source, page.output)
        self.write(page.output, text)

    def finish(self, text, source, output):
        head, mark, rest = text.partition("<main>")
        body, end, tail = rest.partition('<div class="neighbours">')
        body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.S)

        def link(match):
            href = self.rewrite(html.unescape(match[2]), source, output)
            return f'{match[1]}="{html.escape(href, quote=True)}"'

        body = re.sub(r'\b(href|src)="([^"]*)"', link, body)
        body = re.sub(r'(<table[^>]*>.*?</table>)', r'<div class="table">\1</div>', body, flags=re.S)
        body = re.sub(r"<strong>([a-z-]+)</strong>\((\d)\)", lambda m: self.manual(m, output), body)
        body = re.sub(r'<(h[23]) id="([^"]+)">(.*?)</\1>', heading, body, flags=re.S)
        return head + mark + body + end + tail

    def manual(self, match, output):
        page = self.by_source.get(f"man/{match[1]}.{match[2]}.md")
        if not page or page.output == output:
            return match[0]
        return f'<a href="{relative(page.output, output)}">{match[0]}</a>'

    def plain(self, place, title, body, origin):
        """A page that is no Markdown: a source, or a list of them."""
        variables = {"nav": self.navigation(place), "root": "../" * place.count("/"),
                     "version": self.version, "heading": html.escape(title), "origin": origin}
        command = ["pandoc", "-f", "html", "-t", "html5", "--template", TEMPLATE,
                   "-M", "pagetitle=ftvm: " + title]
        for name, value in variables.items():
            command += ["-V", f"{name}={value}"]
        self.write(place, run(command, "<p>BODY</p>").replace("<p>BODY</p>", body, 1))

    def source_file(self, path):
        lines = open(path, encoding="utf-8", errors="replace").read().split("\n")
        if lines and lines[-1] == "":
            lines.pop()
        body = "\n".join(f'<span id="L{number}">{html.escape(line)}</span>'
                         for number, line in enumerate(lines, 1))
        self.plain(f"source/{path}.html", path, f"<pre><code>{body}</code></pre>",
                   "A copy of the file in the repository.")

    def source_folder(self, path):
        place = f"source/{path}/index.html"
        names = [name for name in sorted(os.listdir(path)) if not name.startswith(".")]
        items = []
        for name in names:
            file = os.path.join(path, name)
            target = self.place_of(file)
            if target:
                items.append(f'<li><a href="{relative(target, place)}">{html.escape(name)}</a></li>')
        self.plain(place, path + "/", "<ul>\n" + "\n".join(items) + "\n</ul>",
                   "A folder of the repository.")

    def build(self):
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            markdown = [page for page in self.pages if page.source.endswith(".md")]
            list(pool.map(self.page, markdown))
            done = set()
            while self.sources - done:  # a folder brings its files
                more = sorted(self.sources - done)
                done.update(more)
                list(pool.map(lambda path: self.source_folder(path) if os.path.isdir(path)
                              else self.source_file(path), more))
        for path in sorted(self.copies):
            target = os.path.join(self.output, path[len("docs/"):])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)


def heading(match):
    return f'<{match[1]} id="{match[2]}"><a class="self" href="#{match[2]}">{match[3]}</a></{match[1]}>' \
        if "<a " not in match[3] else match[0]


def relative(place, here):
    return os.path.relpath(place, os.path.dirname(here) or ".")


def version():
    text = "".join(open(os.path.join(HEADERS, name), encoding="utf-8").read()
                   for name in sorted(os.listdir(HEADERS)))
    numbers = [re.search(rf"#define FTVM_VERSION_{part}\s+(\d+)", text) for part in ("MAJOR", "MINOR", "PATCH")]
    return ".".join(number[1] for number in numbers if number)


def run(command, text=None):
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode != 0 or result.stderr:
        sys.exit(f"{' '.join(command[:8])} ... {command[-1]}:\n{result.stderr}")
    return result.stdout


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    output = os.path.abspath(sys.argv[1])
    os.chdir(ROOT)
    site = Site(output)
    if not site.errors:
        site.build()
    for error in site.errors:
        print(error, file=sys.stderr)
    sys.exit(1 if site.errors else 0)


main()
