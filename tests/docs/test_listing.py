#!/usr/bin/python3
"""The tool that proves listings does not take for proven what is not."""
import os
import sys
import tempfile
import unittest

import listing
import scene


def patterns(text, numbers=None):
    return [scene.line_pattern(line, numbers) for line in text.split("\n")]


class Matching(unittest.TestCase):
    def test_output_matches_line_by_line(self):
        self.assertTrue(scene.matches(patterns("one\ntwo"), ["one", "two", ""]))
        self.assertFalse(scene.matches(patterns("one\ntwo"), ["one"]))
        self.assertFalse(scene.matches(patterns("one"), ["one", "two"]))
        self.assertFalse(scene.matches(patterns("one"), ["one more"]))

    def test_dots_stand_for_anything(self):
        self.assertTrue(scene.matches(patterns("a ... z\n...\nend"), ["a b z", "x", "y", "end"]))
        self.assertFalse(scene.matches(patterns("...\nend"), ["x", "y"]))

    def test_numbers_stand_for_numbers_if_asked(self):
        self.assertTrue(scene.matches(patterns("12 ms", "any"), ["7.5 ms"]))
        self.assertFalse(scene.matches(patterns("12 ms"), ["7.5 ms"]))
        self.assertFalse(scene.matches(patterns("12 ms", "any"), ["no ms"]))

    def test_lines_come_in_order_among_others(self):
        self.assertTrue(scene.follows(patterns("b\nd"), ["a", "b", "c", "d"]))
        self.assertFalse(scene.follows(patterns("d\nb"), ["a", "b", "c", "d"]))


class Reading(unittest.TestCase):
    def test_commands_and_what_follows_them(self):
        first, second = listing.commands("$ echo a \\\n   b\na b\nhostA$ true")
        self.assertEqual((first.host, first.text, first.expected), ("", "echo a \\\n   b", ["a b"]))
        self.assertEqual((second.host, second.text, second.expected), ("hostA", "true", []))

    def test_without_prompts_all_are_commands(self):
        self.assertEqual([command.text for command in listing.commands("make a\n\nmake b")], ["make a", "make b"])

    def test_blocks_without_or_with_wrong_proofs(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
            file.write("text\n\n    indented\n\n<!-- proof: shown -->\n```\nx\n```\n\n<!-- proof: guess -->\n```\nx\n```\n\n"
                       "<!-- proof: run in=a -->\n```\ntrue\n```\n\n```\nx\n```\n")
            file.flush()
            blocks = listing.read(file.name)
        self.assertEqual([bool(block.error) for block in blocks], [True, True, True, False, True])


class Running(unittest.TestCase):
    def run_block(self, text, **options):
        root = os.getcwd()
        stage = scene.Scene(os.path.join(root, "build/check-docs/scenes/self"), "/nowhere", root)
        try:
            for command in listing.commands(text):
                stage.run(command, options.get("timeout", 5), options.get("numbers"), options.get("exit", 0))
        finally:
            stage.close()

    def test_what_a_command_prints_and_returns(self):
        self.run_block("$ x=3; cd build\n$ echo $x $(basename $PWD)\n3 build")
        self.assertRaises(scene.Failure, self.run_block, "$ echo 3\n4")
        self.assertRaises(scene.Failure, self.run_block, "$ false")
        self.run_block("$ (exit 4)", exit=4)

    def test_what_comes_from_the_background_is_waited_for(self):
        self.run_block("$ (sleep 0.3; echo late) &\n$ echo now\nnow\nlate")
        self.assertRaises(scene.Failure, self.run_block, "$ sleep 9 &\n$ echo now\nnever", timeout=1)

    def test_a_command_that_does_not_end(self):
        self.assertRaises(scene.Failure, self.run_block, "$ sleep 9", timeout=0.5)


os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, "tests/docs")
unittest.main()
