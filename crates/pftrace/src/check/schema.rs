//! Which fields Perfetto's messages have, and how they are encoded: of those messages that are read here.
//!
//! The newest official schema is the judge of these tables: a test compares each with it.

use super::wire::WireType;

/// The fields of a message, by how they are encoded.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) name: &'static str,
    varints: &'static [u32],
    fixed64: &'static [u32],
    bytes: &'static [u32],
}

impl Schema {
    /// How a field is encoded; `None` for one that the message does not have.
    pub(super) fn wire_type(&self, number: u32) -> Option<WireType> {
        let has = |numbers: &[u32]| numbers.binary_search(&number).is_ok();
        if has(self.varints) {
            Some(WireType::Varint)
        } else if has(self.bytes) {
            Some(WireType::Bytes)
        } else {
            has(self.fixed64).then_some(WireType::Fixed64)
        }
    }

    pub(super) fn has(&self, number: u32, wire_type: WireType) -> bool {
        self.wire_type(number) == Some(wire_type)
    }
}

macro_rules! schemas {
    ($($schema:ident $name:literal $varints:tt $fixed64:tt $bytes:tt;)*) => {
        $(pub(super) static $schema: Schema =
            Schema { name: $name, varints: &$varints, fixed64: &$fixed64, bytes: &$bytes };)*

        #[cfg(test)]
        static ALL: &[&Schema] = &[$(&$schema,)*];
    };
}

schemas! {
    TRACE_PACKET "TracePacket" [3, 8, 10, 13, 41, 42, 58, 79, 87, 98] [] [
        1, 2, 4, 5, 6, 7, 9, 11, 12, 33, 34, 35, 36, 37, 38, 39, 40, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 57, 59, 60,
        61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 82, 83, 84, 86, 89, 90, 91, 95, 99, 100, 101, 102,
        103, 107, 109, 110, 111, 113, 115, 117, 118, 119, 120, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134,
        135, 138, 900
    ];
    TRACE_PACKET_DEFAULTS "TracePacketDefaults" [58] [] [11, 12, 99, 100];
    TRACK_EVENT_DEFAULTS "TrackEventDefaults" [11, 31, 45] [] [];
    TRACK_EVENT "TrackEvent"
        [1, 2, 3, 8, 9, 10, 11, 12, 16, 17, 20, 30, 31, 34, 36, 42, 45, 52, 54, 56]
        [44, 46, 47, 48, 57]
        [4, 5, 6, 21, 22, 23, 24, 25, 26, 27, 28, 29, 32, 33, 35, 38, 39, 40, 41, 43, 49, 50, 53, 55];
    DEBUG_ANNOTATION "DebugAnnotation" [1, 2, 3, 4, 7, 13, 17] [5] [6, 8, 9, 10, 11, 12, 14, 16];
    TRACK_DESCRIPTOR "TrackDescriptor" [1, 5, 9, 11, 12, 15, 17, 19, 20] [] [2, 3, 4, 6, 7, 8, 10, 13, 14, 16, 18];
    PROCESS_DESCRIPTOR "ProcessDescriptor" [1, 3, 4, 5, 7] [] [2, 6, 8];
    THREAD_DESCRIPTOR "ThreadDescriptor" [1, 2, 3, 4, 6, 7, 8] [] [5];
    COUNTER_DESCRIPTOR "CounterDescriptor" [1, 3, 4, 5] [] [2, 6, 7];
    CLOCK_SNAPSHOT "ClockSnapshot" [2] [] [1];
    CLOCK "ClockSnapshot.Clock" [1, 2, 3, 4] [] [];
    INTERNED_DATA "InternedData" [] [] [
        1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 33, 34, 35, 43, 47, 48, 49, 50, 51
    ];
    FRAME "Frame" [1, 2, 3, 4, 5, 6, 7] [] [8];
    CALLSTACK "Callstack" [1, 2] [] [];
    MAPPING "Mapping" [1, 2, 3, 4, 5, 6, 7, 8] [] [];
    LOG_MESSAGE "LogMessage" [1, 2, 3] [] [];
    TASK_EXECUTION "TaskExecution" [1] [] [];
    UNSYMBOLIZED_SOURCE_LOCATION "UnsymbolizedSourceLocation" [1, 2, 3] [] [];
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use pftrace_testkit::dynamic::official_schema;

    use super::*;

    #[test]
    fn the_tables_are_the_official_schema() {
        let Some(official) = official_schema() else { return };
        for schema in ALL {
            let name = format!("perfetto.protos.{}", schema.name);
            let message = official.get_message_by_name(&name).unwrap();
            let mut numbers: Vec<u32> = message.fields().map(|field| field.number()).collect();
            numbers.sort_unstable();
            let mut ours = [schema.varints, schema.fixed64, schema.bytes].concat();
            ours.sort_unstable();
            assert_eq!(ours, numbers, "{name}");
            for field in message.fields() {
                let expected = match field.kind().wire_type() {
                    prost_reflect::prost::encoding::WireType::Varint => WireType::Varint,
                    prost_reflect::prost::encoding::WireType::SixtyFourBit => WireType::Fixed64,
                    _ => WireType::Bytes,
                };
                assert!(!field.is_packed(), "{name}.{}", field.name());
                assert_eq!(schema.wire_type(field.number()), Some(expected), "{name}.{}", field.name());
            }
        }
    }
}
