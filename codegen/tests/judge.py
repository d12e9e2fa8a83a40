"""Serializes messages with Google's own runtime.

usage: judge.py DESCRIPTOR_SET < CASES   one case a line: the full name of a message, a tab, its text format; for each, a
                                         line with the bytes of the message in hexadecimal
"""
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

with open(sys.argv[1], 'rb') as file:
    files = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
pool = descriptor_pool.DescriptorPool()
for file in files:
    pool.Add(file)
for line in sys.stdin:
    name, text = line.rstrip('\n').split('\t')
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
    text_format.Parse(text, message, descriptor_pool=pool)
    print(message.SerializeToString(deterministic=True).hex())
