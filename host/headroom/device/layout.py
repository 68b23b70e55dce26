"""Where things lie in a board's flash: the layout of MicroPython's ESP8266_GENERIC build
FLASH_2M_ROMFS.
"""

SECTOR_BYTES = 4096
MICROPYTHON_START = 0
ROMFS_START = 0xB0000
ROMFS_BYTES = 320 * 1024
FILES_START = 0x100000
# MicroPython is told of 2 MB, whatever the chip holds: then every board's file system has the
# same 251 sectors, up to the SDK's own five at the end.
FLASH_SIZE = "2MB"
LEAST_FLASH_BYTES = 2 * 1024 * 1024
