"""Decodes messages with Google's own protobuf runtime, and encodes them again, deterministically.

usage: reserialize.py DESCRIPTOR_SET

On standard input: the length of a name and the name of a message, the length of its bytes and the bytes, and so on. On
standard output for each: 1, the length and the bytes that it encodes, or 0, the length and the text of an error. A length
is four bytes, little endian; so is the 1 or 0.
"""
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def main(path):
    with open(path, 'rb') as file:
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    # Also makes the extensions known.
    message_factory.GetMessageClassesForFiles([file.name for file in files.file], pool)
    classes = {}
    read, write = sys.stdin.buffer.read, sys.stdout.buffer.write

    def piece():
        head = read(4)
        return read(struct.unpack('<I', head)[0]) if head else None

    while (name := piece()) is not None:
        data = piece()
        if name not in classes:
            classes[name] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name.decode()))
        try:
            message, ok = classes[name].FromString(data).SerializeToString(deterministic=True), 1
        except Exception as error:
            message, ok = f'{type(error).__name__}: {error}'.encode(), 0
        write(struct.pack('<II', ok, len(message)))
        write(message)
    sys.stdout.flush()


main(sys.argv[1])
