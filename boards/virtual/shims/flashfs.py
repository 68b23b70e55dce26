"""The file system on the virtual flash (littlefs, kept by the parent process) as a MicroPython VFS
object.
"""

import io

import _board
import uctypes

_addressof = uctypes.addressof
_IOCTL_FLUSH = 1
_IOCTL_SEEK = 2
_IOCTL_CLOSE = 4
_EINVAL = 22


def _checked(result):
    if isinstance(result, int) and result < 0:
        raise OSError(-result)
    return result


class BinaryFile(io.IOBase):
    def __init__(self, handle):
        self._handle = handle

    def readinto(self, buf):
        return _checked(_board.receive("file_read", self._handle, _addressof(buf), len(buf)))

    def write(self, data):
        return _checked(_board.send("file_write", self._handle, _addressof(data), len(data)))

    def ioctl(self, request, argument):
        if request == _IOCTL_CLOSE:
            self.close()
        elif request == _IOCTL_FLUSH:
            self.flush()
        elif request != _IOCTL_SEEK:
            return -_EINVAL
        return 0

    def read(self, size=-1):
        if size < 0:
            size = self._left()
        buf = bytearray(size)
        return bytes(memoryview(buf)[: self.readinto(buf)])

    def _left(self):
        here = self.tell()
        end = self.seek(0, 2)
        self.seek(here)
        return end - here

    def readline(self):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.read(1)
            if not byte:
                break
            line += byte
        return line

    def seek(self, offset, whence=0):
        return _checked(_board.call("file_seek", self._handle, offset, whence))

    def tell(self):
        return self.seek(0, 1)

    def flush(self):
        _checked(_board.call("file_flush", self._handle, 0, 0))

    def close(self):
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            _checked(_board.call("file_close", handle, 0, 0))

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class TextFile(BinaryFile):
    def read(self, size=-1):
        return BinaryFile.read(self, size).decode()

    def readline(self):
        line = ""
        while not line.endswith("\n"):
            char = self.read(1)
            if not char:
                break
            line += char
        return line


class FlashFs:
    def __init__(self):
        self._cwd = "/"

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def _path(self, path):
        return path if path.startswith("/") else self._cwd + path

    def open(self, path, mode):
        handle = _checked(_board.text("file_open", self._path(path), mode))
        return BinaryFile(handle) if "b" in mode else TextFile(handle)

    def _ask(self, name, path, second=""):
        return _checked(_board.text(name, self._path(path), second))

    def ilistdir(self, path):
        for line in self._ask("listdir", path).split("\n"):
            if line:
                kind, size, name = line.split(" ", 2)
                yield name, int(kind), 0, int(size)

    def stat(self, path):
        kind, size = self._ask("stat", path).split(" ")
        return (int(kind), 0, 0, 0, 0, 0, int(size), 0, 0, 0)

    def statvfs(self, path):
        block, total, free = [int(n) for n in self._ask("statvfs", path).split(" ")]
        return (block, block, total, free, free, 0, 0, 0, 0, 255)

    def chdir(self, path):
        path = self._path(path)
        self.ilistdir(path)
        self._cwd = path if path.endswith("/") else path + "/"

    def getcwd(self):
        return self._cwd if self._cwd == "/" else self._cwd[:-1]

    def mkdir(self, path):
        self._ask("mkdir", path)

    def remove(self, path):
        self._ask("remove", path)

    def rmdir(self, path):
        self._ask("rmdir", path)

    def rename(self, old, new):
        self._ask("rename", old, self._path(new))
