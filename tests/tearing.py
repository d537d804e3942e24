"""The log beside a database, torn as a loss of power or a bad disk would tear it.

Source: the SQLite documentation, "Database File Format", section 4, "The Write-Ahead Log".
"""

import os
import struct

HEADER, HEAD = 32, 24
PAGE = 4096
SUMS = struct.Struct(">II")


class Log:
    """The frames that SQLite would read in it, up to the first that is not of it or not right."""

    def __init__(self, path):
        self.path = path
        content = path.read_bytes()
        magic, self.salts = int.from_bytes(content[:4], "big"), content[16:24]
        self._order = ">" if magic & 1 else "<"
        self._sums = SUMS.unpack(content[24:HEADER])
        self.frames = []
        """Of each the size of the database after it, which only the last of a commit has, and its page."""
        for at in range(HEADER, len(content) - HEAD - PAGE + 1, HEAD + PAGE):
            frame = content[at : at + HEAD + PAGE]
            sums = self._summed(frame)
            if frame[8:16] != self.salts or SUMS.pack(*sums) != frame[16:HEAD]:
                break
            self._sums = sums
            self.frames.append((int.from_bytes(frame[4:8], "big"), frame[HEAD:]))

    @property
    def commits(self):
        return sum(after > 0 for after, _ in self.frames)

    @property
    def uncommitted(self):
        """Frames after the last commit."""
        return len(self.frames) - max((number for number, (after, _) in enumerate(self.frames, 1) if after), default=0)

    def begin(self, frames, *, half, wrong):
        """Write a transaction that nobody commits: with `half` its last frame, or that `wrong`, though it commits."""
        assert self.uncommitted == 0
        written = b""
        for number in range(1, frames + 1):
            page = bytes(255 - byte for byte in self.frames[-number][1])
            is_last = number == frames
            head = struct.pack(">II", number, 99 if is_last and wrong else 0) + self.salts
            self._sums = self._summed(head + bytes(8) + page)
            frame = head + SUMS.pack(*self._sums) + page
            if is_last and wrong:
                frame = frame[:-1] + bytes([frame[-1] ^ 1])
            written += frame[: len(frame) // 2] if is_last and half else frame
        with self.path.open("r+b") as file:
            file.seek(self._at(len(self.frames)))
            file.write(written)
            if half:
                file.truncate()

    def cut(self):
        """End the log in the middle of its last commit, which is lost by that."""
        with self.path.open("r+b") as file:
            file.truncate(self._at(len(self.frames)) - PAGE // 2)

    def flip(self, commits):
        """Change a byte of the first frame of the last so many commits, which are lost by that."""
        ends = [number for number, (after, _) in enumerate(self.frames, 1) if after]
        with self.path.open("r+b") as file:
            file.seek(self._at([0, *ends][-commits - 1]) + HEAD)
            byte = file.read(1)[0]
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte ^ 1]))

    def _at(self, number):
        return HEADER + number * (HEAD + PAGE)

    def _summed(self, frame):
        """The sums up to the end of a frame, of whose head only the first half counts."""
        first, second = self._sums
        words = struct.iter_unpack(f"{self._order}II", frame[:8] + frame[HEAD:])
        for one, another in words:
            first = (first + one + second) & 0xFFFFFFFF
            second = (second + another + first) & 0xFFFFFFFF
        return first, second
