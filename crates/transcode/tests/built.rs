//! All messages that the crate was built for: the official Perfetto tree, or what the environment had asked for.

mod support;

use std::path::Path;

const ORIGINAL: &str = concat!(env!("OUT_DIR"), "/built_original.binpb");

#[test]
fn every_field_of_every_message_is_what_the_reference_writes() {
    let schema = pftrace_transcode::schema();
    // Whether tree or descriptor set, old or new.
    if schema.names().any(|name| name == "perfetto.protos.Trace") {
        let (types, fields) = (schema.names().len(), schema.setters());
        assert!(types > 970 && fields > 5_000, "{types} types, {fields} fields");
    }
    support::judge_all(schema, Path::new(ORIGINAL), 4);
}
