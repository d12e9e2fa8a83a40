//! The command, from outside.
#![cfg(feature = "cli")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of its own, with `proto/a.proto`.
struct Dir(PathBuf);

impl Dir {
    fn new(test: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("pftrace-codegen-command-{}-{test}", std::process::id()));
        std::fs::create_dir_all(dir.join("proto")).unwrap();
        let dir = Self(dir);
        dir.write("proto/a.proto", "syntax = \"proto3\";\nmessage M { int32 x = 1; }\nservice S {}\n");
        dir
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let command = Path::new(env!("CARGO_BIN_EXE_pftrace-codegen"));
        let Output { status, stdout, stderr } =
            Command::new(command).args(arguments).current_dir(&self.0).output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOTE: &str = "pftrace-codegen: note: a.proto:3: S: services are ignored\n";

#[test]
fn generates_to_a_file_or_the_standard_output() {
    let dir = Dir::new("generates");
    let (code, stdout, stderr) = dir.run(&["-I", "proto", "proto/a.proto"]);
    assert_eq!((code, stderr.as_str()), (Some(0), NOTE));
    assert!(stdout.contains("pub struct M<'w>"));
    let (code, nothing, stderr) = dir.run(&["--include=proto", "proto/a.proto", "--out", "a.rs", "--quiet"]);
    assert_eq!((code, nothing.as_str(), stderr.as_str()), (Some(0), "", ""));
    assert_eq!(dir.read("a.rs"), stdout);
    // Without an include directory it is the current one, and the name says so.
    let (code, stdout, stderr) = dir.run(&["proto/a.proto"]);
    assert_eq!((code, stderr.as_str()), (Some(0), NOTE.replace("a.proto", "proto/a.proto").as_str()));
    assert!(stdout.contains("//   proto/a.proto\n"));
}

#[test]
fn a_file_that_is_up_to_date_is_not_touched() {
    let dir = Dir::new("touched");
    assert_eq!(dir.run(&["-Iproto", "proto/a.proto", "-oa.rs"]).0, Some(0));
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options().write(true).open(dir.0.join("a.rs")).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(dir.run(&["-Iproto", "proto/a.proto", "-oa.rs"]).0, Some(0));
    assert_eq!(std::fs::metadata(dir.0.join("a.rs")).unwrap().modified().unwrap(), long_ago);
}

#[test]
fn check_compares_and_writes_nothing() {
    let dir = Dir::new("check");
    let check = || dir.run(&["-q", "--check", "-Iproto", "proto/a.proto", "-oa.rs"]);
    let none = "pftrace-codegen: a.rs: expected generated code, found no file\n";
    assert_eq!(check(), (Some(1), String::new(), none.to_owned()));
    assert!(!dir.0.join("a.rs").exists());
    assert_eq!(dir.run(&["-Iproto", "proto/a.proto", "-oa.rs"]).0, Some(0));
    assert_eq!(check(), (Some(0), String::new(), String::new()));
    let edited = dir.read("a.rs").replace("do not edit", "edited");
    dir.write("a.rs", &edited);
    let outdated = "pftrace-codegen: a.rs:1: is not what would be generated, generate it again\n";
    assert_eq!(check(), (Some(1), String::new(), outdated.to_owned()));
    assert_eq!(dir.read("a.rs"), edited);
}

#[test]
fn input_that_is_not_legal_exits_with_1() {
    let dir = Dir::new("input");
    dir.write("proto/b.proto", "message M {\n  optional group gG = 1 {}\n}");
    let (code, stdout, stderr) = dir.run(&["-Iproto", "proto/b.proto", "-ob.rs"]);
    let refused =
        "pftrace-codegen: b.proto:2: M.gg: expected the name of a group to begin with a capital letter, found `gG`\n";
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (Some(1), "", refused));
    assert!(!dir.0.join("b.rs").exists());
    assert_eq!(dir.run(&["none.proto"]).0, Some(1));
    assert_eq!(dir.run(&["proto"]).0, Some(1));
    assert_eq!(dir.run(&["proto/a.proto", "-o", "none/a.rs"]).0, Some(1));
}

#[test]
fn wrong_use_exits_with_2() {
    let dir = Dir::new("usage");
    for (arguments, expected) in [
        (&[][..], "expected at least one .proto file"),
        (&["--check", "a.proto"], "expected --out with --check, to know what to compare"),
        (&["--colour"], "invalid option '--colour'"),
        (&["a.proto", "-o"], "missing argument for option '-o'"),
        (&[""], "expected the path of a file, found an empty one"),
    ] {
        let (code, stdout, stderr) = dir.run(arguments);
        let text = format!("pftrace-codegen: {expected}\nTry `pftrace-codegen --help`.\n");
        assert_eq!((code, stdout.as_str(), stderr), (Some(2), "", text), "{arguments:?}");
    }
}

#[test]
fn help_names_every_option() {
    let dir = Dir::new("help");
    let (code, help, stderr) = dir.run(&["--help"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for option in ["-I, --include", "-o, --out", "--check", "-q, --quiet", "-h, --help", "-V, --version"] {
        assert!(help.contains(option), "{option}");
    }
    assert!(help.lines().all(|line| line.len() <= 80));
    assert_eq!(dir.run(&["-h"]).1, help);
    assert_eq!(dir.run(&["-V"]).1, format!("pftrace-codegen {}\n", env!("CARGO_PKG_VERSION")));
}
