#!/usr/bin/env python3
"""Decodes traces with the official schema and Google's own protobuf runtime.

usage: decode.py TRACE     prints each packet as a line of JSON
       decode.py --serve   one file a line on standard input, one reply a line on standard output, in JSON:
                           {"packets": [...]} or {"error": text}

A field, or a value of an enum, that the schema does not have is an error, named with its packet.
"""
import json
import sys

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as pb

PACKET_TAG = 0x0A


class Bad(Exception):
    pass


def varint(data, at):
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Bad(f'byte {at}: expected a varint, found the end of the file or more than ten bytes')


def packets(data):
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        if tag != PACKET_TAG:
            raise Bad(f'byte {start}: expected a packet (tag {PACKET_TAG}), found tag {tag}')
        size, at = varint(data, at)
        if at + size > len(data):
            raise Bad(f'byte {start}: expected a packet of {size} bytes, found {len(data) - at}')
        yield data[at:at + size]
        at += size


def unknown(message, path):
    for field in UnknownFieldSet(message):
        known = message.DESCRIPTOR.fields_by_number.get(field.field_number)
        if known is not None and known.enum_type is not None:
            yield f'{path}.{known.name}: value {field.data} is not one of {known.enum_type.name}'
        else:
            yield f'{path}: field {field.field_number} (wire type {field.wire_type}) is not in the schema'
    for field, value in message.ListFields():
        if field.message_type is not None:
            for child in value if field.is_repeated else (value,):
                yield from unknown(child, f'{path}.{field.name}')


def decode(data):
    decoded = []
    for number, body in enumerate(packets(data)):
        try:
            packet = pb.TracePacket.FromString(body)
        except DecodeError as error:
            raise Bad(f'packet {number}: {error}') from None
        for fault in unknown(packet, 'TracePacket'):
            raise Bad(f'packet {number}: {fault}')
        decoded.append(json_format.MessageToDict(packet, preserving_proto_field_name=True))
    return decoded


def decode_file(path):
    with open(path, 'rb') as file:
        return decode(file.read())


def serve():
    for line in sys.stdin:
        try:
            reply = {'packets': decode_file(line.rstrip('\n'))}
        except (Bad, OSError) as error:
            reply = {'error': str(error)}
        print(json.dumps(reply), flush=True)


def main(arguments):
    if arguments == ['--serve']:
        serve()
        return 0
    if len(arguments) != 1 or arguments[0].startswith('-'):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for packet in decode_file(arguments[0]):
            print(json.dumps(packet))
    except (Bad, OSError) as error:
        print(f'{arguments[0]}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
