//! What can be configured, and what is said when it makes no sense.

use std::process::Command;

use pftrace::{Session, SessionError, instant};
use pftrace_testkit::check;

use crate::alone;

#[test]
fn what_makes_no_sense_is_said() {
    let _alone = alone();
    let text = |builder: pftrace::SessionBuilder| builder.start().unwrap_err().to_string();
    assert_eq!(text(Session::builder()), "expected a file or a writer for the trace, found none");
    assert_eq!(
        text(Session::builder().writer(std::io::sink()).buffer_bytes(1000)),
        "expected a buffer of 65536 to 68719476736 bytes, found 1000"
    );
    let directory = std::env::temp_dir();
    let error = text(Session::builder().file(&directory));
    assert!(error.starts_with(&format!("the trace file {}: ", directory.display())), "{error}");
    let error = text(Session::builder().file("/nowhere/at all.pftrace"));
    assert!(error.starts_with("the trace file /nowhere/at all.pftrace: No such file"), "{error}");
    // None of these is recorded.
    Session::builder().writer(std::io::sink()).start().unwrap().stop().unwrap();
}

/// The environment is the process's: asked in one of its own.
#[test]
fn the_environment_configures() {
    if std::env::var_os("PFTRACE_TEST_PROCESS").is_some() {
        match pftrace::SessionBuilder::from_env() {
            Ok(Some(builder)) => {
                let session = builder.start().unwrap();
                instant!("a.b", "recorded");
                instant!("c", "off");
                println!("events {}", session.stop().unwrap().events);
            }
            Ok(None) => println!("nothing"),
            Err(error @ SessionError::Environment { .. }) => println!("{error}"),
            Err(error) => panic!("{error}"),
        }
        return;
    }
    let says = |value: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "configuration::the_environment_configures", "--nocapture"]);
        command.env("PFTRACE_TEST_PROCESS", "1").env_remove("PFTRACE");
        if let Some(value) = value {
            command.env("PFTRACE", value);
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(says(None).contains("nothing") && says(Some(" ")).contains("nothing"));
    let path = std::env::temp_dir().join(format!("pftrace-env-{}.pftrace", std::process::id()));
    let shown = path.display();
    let said = says(Some(&format!("{shown},buffer=128K,policy=discard,categories=a.* x,stop_timeout=0.5")));
    assert!(said.contains("events 1"), "{said}");
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let said = says(Some(&format!("tcp:{},reconnect=0.1,buffer=128K,categories=a.*", listener.local_addr().unwrap())));
    assert!(said.contains("events 1"), "{said}");
    let mut sent = Vec::new();
    std::io::Read::read_to_end(&mut listener.accept().unwrap().0, &mut sent).unwrap();
    if let Some(loaded) = check(&sent) {
        assert_eq!(loaded.slices.len(), 1);
    }
    for (value, expected) in [
        ("buffer=1M", "expected file=PATH, unix:PATH or tcp:HOST:PORT, found `buffer=1M`"),
        ("x.pftrace,buffer=much", "expected buffer=BYTES, such as 16M, found `buffer=much`"),
        (
            "x.pftrace,policy=none",
            "expected policy=stream, policy=discard or policy=flight-recorder, found `policy=none`",
        ),
        ("x.pftrace,stop_timeout=-1", "expected stop_timeout=SECONDS, found `stop_timeout=-1`"),
        (
            "x.pftrace,colour=red",
            "expected file, unix, tcp, reconnect, buffer, policy, panic, categories or stop_timeout, found `colour=red`",
        ),
        ("file=", "expected file=PATH, found `file=`"),
        ("policy=flight-recorder", "expected file=PATH, unix:PATH or tcp:HOST:PORT, found `policy=flight-recorder`"),
        ("unix:", "expected unix:PATH, found `unix:`"),
        ("tcp:host", "expected tcp:HOST:PORT, found `tcp:host`"),
        ("x.pftrace,reconnect=never", "expected reconnect=SECONDS, found `reconnect=never`"),
        ("x.pftrace,panic=", "expected panic=PATH, found `panic=`"),
    ] {
        let said = says(Some(value));
        assert!(said.contains(&format!("the environment variable PFTRACE: {expected}")), "{value}: {said}");
    }
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices.len(), 1);
    // A flight recorder writes its file when it stops.
    let said = says(Some(&format!("{shown},policy=flight-recorder,buffer=64K,panic={shown}.panic,categories=a.*")));
    assert!(said.contains("events 1"), "{said}");
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(check(&trace).unwrap().slices.len(), 1);
}
