"""A flash of whole files."""

import errno


class File:
    """What is written is there once the file is closed, as on littlefs."""

    def __init__(self, files, path, mode):
        self._files = files
        self._path = path
        self._mode = mode
        self._written = b""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()
        return False

    def read(self):
        content = self._files.content[self._path]
        return content if "b" in self._mode else content.decode()

    def write(self, content):
        if self._files.full:
            raise OSError(28, "no space")
        self._written += content if "b" in self._mode else content.encode()

    def close(self):
        if self._written:
            self._files.content[self._path] = self._written
            self._files.writes += 1


class Files:
    """A flash of whole files: bytes by path. `broken` paths cannot be read."""

    def __init__(self):
        self.content = {}
        self.writes = 0
        self.full = False
        self.broken = ()

    def open(self, path, mode="r"):
        if "r" in mode and path not in self.content:
            raise OSError(errno.ENOENT, "no file")
        if path in self.broken:
            raise OSError(errno.EIO, "broken")
        if "w" in mode:
            if self.full:
                raise OSError(28, "no space")
            self.content[path] = b""
        return File(self, path, mode)

    def rename(self, old, new):
        self.content[new] = self.content.pop(old)

    def remove(self, path):
        if path not in self.content:
            raise OSError(errno.ENOENT, "no file")
        del self.content[path]

    def names(self, folder):
        """The names of the files in a folder, in no order."""
        start = folder + "/"
        return [path[len(start) :] for path in self.content if path.startswith(start)]
