#!/usr/bin/python3
"""Every listing of the documentation is proven: commands are executed and what they print is
compared, programs are compiled, excerpts are looked up in their files.

    tests/docs/listings.py PREFIX [FILE[:LINE]...]    PREFIX: where ftvm is installed
    tests/docs/listings.py --list                     listings, and how each is proven

The last line counts what passed and failed. CONTRIBUTING.md has the kinds of proofs.
"""
import os
import re
import subprocess
import sys
import time

import listing
from scene import Failure, Scene

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build/check-docs")
REPOSITORY = "repository"  # the scene that is the clone itself
DEFAULT_TIMEOUT = 60


def markdown_files():
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "build")
        found += [os.path.normpath(os.path.join(folder, name)) for name in sorted(names)
                  if name.endswith(".md")]
    return found


class Prover:
    def __init__(self, prefix):
        self.prefix = prefix
        self.scenes = {}

    def scene(self, block):
        key = (block.path, block.scene)
        if key not in self.scenes:
            name = block.path.replace("/", "-") + "-" + block.scene
            directory = ROOT if block.scene == REPOSITORY else os.path.join(WORK, "scenes", name)
            self.scenes[key] = Scene(directory, self.prefix, ROOT)
        return self.scenes[key]

    def end_scenes(self):
        for scene in self.scenes.values():
            scene.close()
        self.scenes = {}

    def prove(self, block):
        if block.error:
            raise Failure(block.error)
        getattr(self, "prove_" + block.kind)(block)

    def prove_run(self, block):
        scene = self.scene(block)
        scene.setup = block.options.get("setup", scene.setup)
        found = listing.commands(block.text)
        if not found:
            raise Failure("there is no command in it")
        for command in found:
            last = command is found[-1]
            scene.run(command, float(block.options.get("timeout", DEFAULT_TIMEOUT)),
                      block.options.get("numbers"), int(block.options.get("exit", 0)) if last else 0)

    def prove_make(self, block):
        """The targets exist and their rules expand; what they do is shown elsewhere. Other commands
        are executed, but for those of without=TEXT."""
        for command in listing.commands(block.text):
            if block.options.get("without", "\n") in command.text:
                continue
            text = re.sub(r"^((\w+=\S+ +)*)make\b", r"\1make -n", command.text, count=1)
            done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, cwd=ROOT,
                                  env=dict(os.environ, MAKEFLAGS=""), timeout=DEFAULT_TIMEOUT)
            if done.returncode != 0:
                raise Failure(f"$ {text}\n{done.stderr}")

    def prove_compile(self, block):
        """A program, or with frame=FILE a part of one, compiled against the installed library."""
        scene = self.scene(block)
        text = block.text + "\n"
        if "frame" in block.options:
            frame = open(os.path.join(ROOT, block.options["frame"]), encoding="utf-8").read()
            if "/* LISTING */" not in frame:
                raise Failure(f"{block.options['frame']} has no /* LISTING */")
            text = frame.replace("/* LISTING */", text)
        name = block.options.get("as", f"listing-{block.line}.c")
        with open(os.path.join(scene.directory, name), "w", encoding="utf-8") as file:
            file.write(text)
        complete = re.search(r"\bmain\(", text)
        script = (f"gcc -std=gnu11 -Wall -Wextra -Werror {'' if complete else '-c'} "
                  f"$(pkg-config --cflags ftvm) {name} -o {name[:-2]}{'' if complete else '.o'} "
                  + ("$(pkg-config --static --libs ftvm) -pthread" if complete else ""))
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True,
                              cwd=scene.directory, env=scene.environment)
        if done.returncode != 0:
            raise Failure(done.stderr)

    def prove_file(self, block):
        """The lines stand in the file, in this order; a line with ... leaves some out."""
        source = open(os.path.join(ROOT, block.options["of"]), encoding="utf-8").read()
        lines = [line.strip() for line in source.split("\n")]
        at, part = 0, []
        for line in block.text.split("\n") + ["..."]:
            if line.strip().strip("/*# ") != "...":
                part.append(line.strip())
                continue
            while part and not part[-1]:
                part.pop()
            while part and lines[at:at + len(part)] != part:
                at += 1
                if at + len(part) > len(lines):
                    raise Failure(f"{block.options['of']} does not have\n" + "\n".join(part))
            at, part = at + len(part), []

    def prove_save(self, block):
        """Kept in the scene, for the commands that follow."""
        for name in block.options["as"].split():
            path = os.path.join(self.scene(block).directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(block.text + "\n")
        if "check" in block.options:
            done = subprocess.run(["bash", "-c", block.options["check"]], capture_output=True, text=True,
                                  cwd=self.scene(block).directory, timeout=DEFAULT_TIMEOUT,
                                  env=dict(self.scene(block).environment, ROOT=ROOT))
            if done.returncode != 0:
                raise Failure(f"$ {block.options['check']}\n{done.stdout}{done.stderr}")

    def prove_sample(self, block):
        """A recording: the command prints such lines, with whatever numbers."""
        scene = Scene(ROOT, self.prefix, ROOT)
        done = subprocess.run(["bash", "-c", block.options["of"]], capture_output=True, text=True,
                              cwd=ROOT, env=scene.environment,
                              timeout=float(block.options.get("timeout", DEFAULT_TIMEOUT)))
        printed = "\n".join(shape(line) for line in (done.stdout + done.stderr).split("\n"))
        for line in block.text.split("\n"):
            parts = [part for part in shape(line).split("...") if part]
            if not re.search(".*".join(re.escape(part) for part in parts), printed):
                raise Failure(f"'{block.options['of']}' prints no line like\n{line}")

    def prove_diagram(self, block):
        if re.search(r"^\w*\$ ", block.text, flags=re.M):
            raise Failure("there are commands in it")

    def prove_shown(self, block):
        pass


def shape(line):
    return re.sub(r"\s+", " ", re.sub(r"[0-9]+(\.[0-9]+)*", "0", line)).strip()


def chosen(block, wanted):
    return not wanted or block.path in wanted or block.place in wanted


def main():
    os.chdir(ROOT)
    arguments = sys.argv[1:]
    if not arguments:
        sys.exit(__doc__)
    if arguments[0] == "--list":
        for path in markdown_files():
            for block in listing.read(path):
                print(f"{block.place}: {block.error or block.kind} {block.options or ''}")
        return
    prover, wanted = Prover(os.path.abspath(arguments[0])), arguments[1:]
    passed, failed, shown = 0, 0, 0
    for path in markdown_files():
        scenes = set()
        blocks = listing.read(path)
        # A wanted listing needs what comes before it in its scene.
        wanted_scenes = {block.scene for block in blocks if chosen(block, wanted)}
        for block in blocks:
            if block.scene not in wanted_scenes:
                continue
            started = time.monotonic()
            try:
                if block.scene in scenes:
                    raise Failure("not tried, as one before it in the same scene failed")
                prover.prove(block)
                passed += 1
                shown += block.kind == "shown"
                taken = time.monotonic() - started
                print(f"  pass  {block.place} {block.kind}" + (f" ({taken:.1f} s)" if taken > 1 else ""), flush=True)
            except (Failure, OSError, ValueError, subprocess.SubprocessError) as error:
                failed += 1
                if "in" in block.options and block.scene != REPOSITORY:
                    scenes.add(block.scene)
                print(f"  FAIL  {block.place} {block.kind or ''}\n" +
                      "\n".join("        " + line for line in str(error).split("\n")), flush=True)
        prover.end_scenes()
    print(f"{shown} of them are only shown, each with a reason")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
