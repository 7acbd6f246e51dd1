"""A scene: a directory, and shells in it, in which the listings of a page are typed one after the
other. What a reader does with several terminals is done with several shells.

A scene with prompts like "hostA$" has hosts: network namespaces, made by hosts.sh, each with a
directory of its own.
"""
import os
import re
import shutil
import signal
import subprocess
import threading
import time

REPLICA = re.compile(r"^(timeout .* )?(ftvm|\./\w+) +(run|primary|backup)\b(?!.*--help)")
HOSTS = ("hostA", "hostB", "client")


class Failure(Exception):
    pass


class Shell:
    """One bash. What it and its children print is added to the scene's lines."""

    def __init__(self, scene, prefix, directory):
        self.scene, self.status, self.asked = scene, None, None
        self.count = 0
        self.process = subprocess.Popen(
            prefix + ["bash", "--norc", "--noprofile"], cwd=directory, env=scene.environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, text=True, errors="replace")
        threading.Thread(target=self.read, daemon=True).start()
        self.type(f"cd '{directory}'")  # a namespace may have begun elsewhere

    def read(self):
        for line in self.process.stdout:
            before, mark, after = line.rstrip("\n").partition(f"end-of-command-{id(self)}-")
            with self.scene.changed:
                if before or not mark:
                    self.scene.lines.append(before)
                if mark:
                    number, status = after.split(" ")
                    if int(number) == self.count:
                        self.status = int(status)
                self.scene.changed.notify_all()
        with self.scene.changed:
            if self.status is None:
                self.status = self.process.wait()
            self.scene.changed.notify_all()

    def type(self, text):
        """The end of the command is marked in its output, without a line of its own."""
        self.count += 1
        self.status = None
        script = os.path.join(self.scene.scripts, f"{id(self)}-{self.count}")
        with open(script, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        self.process.stdin.write(f". '{script}' </dev/null; "
                                 f"echo \"end-of-command-{id(self)}-{self.count} $?\"\n")
        self.process.stdin.flush()

    def has_jobs(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        try:
            with open(children, encoding="ascii") as file:
                return bool(file.read().split())
        except OSError:
            return False

    def end(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


class Scene:
    def __init__(self, directory, prefix, root):
        self.directory, self.root = directory, root
        self.lines, self.shells = [], []
        self.at = {}  # host: the shell at which one types there
        self.changed = threading.Condition()
        self.hosts = None
        self.setup = None  # a script that each host is made with
        self.environment = dict(os.environ)
        self.environment.pop("MAKELEVEL", None)  # a make that is typed is nobody's child
        self.environment.update(
            PATH=os.path.join(prefix, "bin") + ":" + os.environ["PATH"], LC_ALL="C.UTF-8",
            PKG_CONFIG_PATH=os.path.join(prefix, "lib/pkgconfig"),
            LD_LIBRARY_PATH=os.path.join(prefix, "lib"),
            MANPATH=os.path.join(prefix, "share/man") + ":", MAKEFLAGS="", PAGER="cat")
        self.in_repository = directory == root
        self.scripts = os.path.join(root, "build/check-docs/scripts")
        os.makedirs(self.scripts, exist_ok=True)
        if not self.in_repository:
            shutil.rmtree(directory, ignore_errors=True)
            self.make_directory(directory)

    def make_directory(self, directory):
        """Empty, or with what was saved into it; with the guest where it is in a clone."""
        os.makedirs(os.path.join(directory, "build"))
        os.symlink(os.path.join(self.root, "build/guest"), os.path.join(directory, "build/guest"))

    def start_hosts(self):
        self.hosts = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "--net", "sh",
             os.path.join(self.root, "tests/docs/hosts.sh")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        self.host_pids = {}
        for line in self.hosts.stdout:
            words = line.split()
            if words == ["ready"]:
                return
            if len(words) == 2 and words[0] in HOSTS:
                self.host_pids[words[0]] = words[1]
            else:
                raise Failure("the hosts could not be made: " + line)
        raise Failure("the hosts could not be made")

    def open_shell(self, host):
        prefix, directory = [], self.directory
        if host:
            if host not in HOSTS:
                raise Failure(f"there is no {host}; there are {', '.join(HOSTS)}")
            if self.hosts is None:
                self.start_hosts()
            directory = os.path.join(self.directory, host)
            made = os.path.exists(os.path.join(directory, "build"))
            if not made:
                self.make_directory(directory)
            prefix = ["nsenter", "--target", self.host_pids[host], "--user", "--mount", "--net",
                      "--preserve-credentials"]
        shell = Shell(self, prefix, directory)
        self.shells.append(shell)
        self.wait(lambda: shell.status is not None, 10)
        if self.setup and host.startswith("host") and not made:
            shell.type(f". '{os.path.join(self.root, self.setup)}'")
            self.wait(lambda: shell.status is not None, 10)
            if shell.status != 0:
                raise Failure(f"{self.setup} fails at {host}:\n" + "\n".join(self.lines))
        return shell

    def wait(self, condition, seconds):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.2))
        return True

    def run(self, command, timeout, numbers, exit_code):
        """Types a command; waits until it has ended, and said what it is expected to say. A replica
        in the foreground goes on, and the next command of its host has another terminal."""
        shell = self.at.get(command.host)
        if shell is None:
            shell = self.at[command.host] = self.open_shell(command.host)
        begin = len(self.lines)
        others = any(other.status is None or other.has_jobs() for other in self.shells)
        stays = REPLICA.match(command.text) and not command.text.rstrip().endswith("&")
        background = others or stays or command.text.rstrip().endswith("&")
        expected = [line_pattern(line, numbers) for line in command.expected]

        def said():
            lines = self.lines[begin:]
            if not background:
                return matches(expected, [line.rstrip() for line in lines])
            if not expected and stays:
                return any(line.strip() for line in lines)
            return follows(expected, lines)

        shell.type(command.text)
        if stays:
            self.at.pop(command.host)
            done = self.wait(lambda: said() or shell.status is not None, timeout)
            done = self.wait(said, 2) if done and expected else done
            self.wait(lambda: shell.status is not None, 0.2)  # what it said may be why it ends
        else:
            done = self.wait(lambda: shell.status is not None, timeout)
            if done and expected and background and shell.status == exit_code:
                done = self.wait(said, timeout)
        said_what = "\n".join(self.lines[begin:])
        if not done and shell.status is None and not (stays and expected):
            raise Failure(f"$ {command.text}\n{said_what}\n(has not ended after {timeout} s)")
        if shell.status is not None and shell.status != exit_code:
            raise Failure(f"$ {command.text}\n{said_what}\n(exit code {shell.status}, expected {exit_code})")
        if expected and not said():
            raise Failure(f"$ {command.text}\n{said_what}\n(expected:)\n" + "\n".join(command.expected))

    def close(self):
        for shell in self.shells:
            shell.end(signal.SIGTERM)
        time.sleep(0.3 if any(shell.process.poll() is None for shell in self.shells) else 0)
        for shell in self.shells:
            shell.end(signal.SIGKILL)
            shell.process.wait()
        if self.hosts:
            os.killpg(self.hosts.pid, signal.SIGKILL)
            self.hosts.wait()


def line_pattern(line, numbers):
    """... stands for anything; with numbers=any each number for any other."""
    if line.strip() == "...":
        return None
    pattern = re.escape(line.rstrip()).replace(r"\.\.\.", ".*").replace("…", ".*")
    if numbers == "any":
        pattern = re.sub(r"(\\ )+", r" +", re.sub(r"[0-9]+(\\\.[0-9]+)*", "[0-9.]+", pattern))
    return re.compile(pattern)


def matches(expected, lines):
    """All of the output, in full: None stands for any lines."""
    if not expected:
        return True
    possible = {0}
    for pattern in expected:
        if pattern is None:
            possible = set(range(min(possible), len(lines) + 1))
        else:
            possible = {at + 1 for at in possible if at < len(lines) and pattern.fullmatch(lines[at])}
        if not possible:
            return False
    return any(all(not line for line in lines[at:]) for at in possible)


def follows(expected, lines):
    """Each of the lines, in this order, whatever is between: others may print as well."""
    at = 0
    for pattern in expected:
        if pattern is None:
            continue
        while at < len(lines) and not pattern.fullmatch(lines[at].rstrip()):
            at += 1
        if at == len(lines):
            return False
        at += 1
    return True
