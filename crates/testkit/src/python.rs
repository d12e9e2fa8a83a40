//! Google's own protobuf runtime, with the schema of the official Python package.

use std::process::Command;
use std::sync::Mutex;

use crate::server::{Server, temporary_file};
use crate::tools;

/// The packets of a trace, as JSON with the names of the .proto files; or what is wrong with it, an unknown field or enum
/// value included. `None` where the decoder is not installed.
#[must_use]
pub fn decode(trace: &[u8]) -> Option<Result<Vec<serde_json::Value>, String>> {
    static SERVER: Mutex<Option<Server>> = Mutex::new(None);
    let packages = tools::require("python")?;
    let mut server = SERVER.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let decoded = (|| {
        let file = temporary_file(trace)?;
        let server = match &mut *server {
            Some(server) => server,
            none => {
                let script = tools::workspace().join("tools/decode.py");
                none.insert(Server::start(
                    Command::new("python3").arg(script).arg("--serve").env("PYTHONPATH", packages),
                )?)
            }
        };
        let mut reply = server.ask(&file.path().display().to_string())?;
        match (reply["packets"].take(), reply["error"].take()) {
            (serde_json::Value::Array(packets), _) => Ok(packets),
            (_, error) => Err(error.as_str().unwrap_or("no packets and no error").to_owned()),
        }
    })();
    Some(decoded)
}
