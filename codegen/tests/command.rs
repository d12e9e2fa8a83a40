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
    let none = "pftrace-codegen: a.rs: expected what would be generated, found no file\n";
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
fn the_schema_is_written_and_checked_too() {
    let dir = Dir::new("schema");
    let out = ["-q", "-Iproto", "proto/a.proto", "-oa.rs", "--descriptor-set-out", "a.binpb"];
    let done = (Some(0), String::new(), String::new());
    assert_eq!(dir.run(&out), done);
    let written = std::fs::read(dir.0.join("a.binpb")).unwrap();
    assert!(written.starts_with(b"\x0a") && written.windows(7).any(|bytes| bytes == b"a.proto"), "{written:?}");
    // It is as good an input as the text.
    assert_eq!(dir.run(&["-q", "-d", "a.binpb", "-oa.rs", "--check"]), done);
    let check = || dir.run(&[&out[..], &["--check"]].concat());
    assert_eq!(check(), done);
    dir.write("a.binpb", "other");
    let outdated = "pftrace-codegen: a.binpb:1: is not what would be generated, generate it again\n";
    assert_eq!(check(), (Some(1), String::new(), outdated.to_owned()));
    assert_eq!(dir.read("a.binpb"), "other");
    // What may be generated into a pipe.
    let (code, stdout, _) = dir.run(&["-q", "-Iproto", "proto/a.proto", "--descriptor-set-out", "b.binpb"]);
    assert_eq!((code, stdout), (Some(0), dir.read("a.rs")));
    assert_eq!(std::fs::read(dir.0.join("b.binpb")).unwrap(), written);
}

/// Not the inputs, nor what they import, nor one output by the other; whatever the path looks like.
#[test]
fn nothing_is_overwritten() {
    let dir = Dir::new("overwritten");
    dir.write("proto/b.proto", "syntax = \"proto3\";\nimport \"a.proto\";\nmessage B { M m = 1; }");
    std::os::unix::fs::symlink("proto/a.proto", dir.0.join("link.rs")).unwrap();
    let texts = || ["proto/a.proto", "proto/b.proto"].map(|name| dir.read(name));
    let before = texts();
    let run = |arguments: &[&str]| dir.run(&[&["-q", "-Iproto", "proto/b.proto"], arguments].concat());
    for (arguments, expected) in [
        (&["-o", "proto/b.proto"][..], ("proto/b.proto", "proto/b.proto")),
        (&["-o", "proto/../proto/a.proto"], ("proto/../proto/a.proto", "proto/a.proto")),
        (&["-o", "link.rs"], ("link.rs", "proto/a.proto")),
        (&["-o", "link.rs", "--check"], ("link.rs", "proto/a.proto")),
        (&["--descriptor-set-out", "proto/a.proto"], ("proto/a.proto", "proto/a.proto")),
        (&["-o", "b.rs", "--descriptor-set-out", "proto/a.proto"], ("proto/a.proto", "proto/a.proto")),
        (&["-o", "b.rs", "--descriptor-set-out", "./proto/../b.rs"], ("./proto/../b.rs", "b.rs")),
    ] {
        let (path, other) = expected;
        let text = format!("pftrace-codegen: {path}: expected another file to write to, would overwrite `{other}`\n");
        assert_eq!(run(arguments), (Some(1), String::new(), text), "{arguments:?}");
        assert_eq!(texts(), before, "{arguments:?}");
        assert!(!dir.0.join("b.rs").exists(), "{arguments:?}");
    }
    assert_eq!(run(&["-o", "/dev/null", "--descriptor-set-out", "/dev/null"]).0, Some(0));
    // What was read may be a descriptor set.
    assert_eq!(dir.run(&["-q", "-Iproto", "proto/a.proto", "--descriptor-set-out", "a.binpb"]).0, Some(0));
    let text = "pftrace-codegen: a.binpb: expected another file to write to, would overwrite `a.binpb`\n";
    let again = ["-d", "a.binpb", "--descriptor-set-out", "a.binpb"];
    assert_eq!(dir.run(&again), (Some(1), String::new(), text.to_owned()));
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
fn reads_a_descriptor_set() {
    let dir = Dir::new("set");
    dir.write("proto/b.proto", "syntax = \"proto3\";\npackage p;\nimport \"a.proto\";\nmessage B { M m = 1; }");
    let mut compiler = protox::Compiler::new([dir.0.join("proto")]).unwrap();
    compiler.include_imports(true).open_files(["b.proto"]).unwrap();
    std::fs::write(dir.0.join("set.binpb"), compiler.encode_file_descriptor_set()).unwrap();
    let (code, all, stderr) = dir.run(&["--descriptor-set", "set.binpb"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        all.starts_with("// Generated by pftrace-codegen, do not edit. From:\n//   a.proto\n//   b.proto\n"),
        "{all}"
    );
    let (code, one, stderr) = dir.run(&["-dset.binpb", "a.proto", "-oa.rs"]);
    assert_eq!((code, one.as_str(), stderr.as_str()), (Some(0), "", ""));
    let code = dir.read("a.rs");
    assert!(code.contains("pub struct M<'w>") && !code.contains("pub struct B<'w>"), "{code}");
    assert_eq!(dir.run(&["-dset.binpb", "a.proto", "-oa.rs", "--check"]).0, Some(0));
    assert_eq!(dir.run(&["-dset.binpb", "-oa.rs", "--check"]).0, Some(1));
    for (arguments, expected) in [
        (&["-d", "none"][..], "none: cannot be read: No such file or directory (os error 2)"),
        (&["-d", "proto"], "proto: cannot be read: it is a directory"),
        (&["-d", "set.binpb", "c.proto"], "set.binpb: expected the file `c.proto` in it, found none of that name"),
        (
            &["-d", "set.binpb", "proto/a.proto"],
            "set.binpb: expected the file `proto/a.proto` in it, found none of that name",
        ),
    ] {
        let (code, stdout, stderr) = dir.run(arguments);
        assert_eq!((code, stdout.as_str(), stderr), (Some(1), "", format!("pftrace-codegen: {expected}\n")));
    }
    let (code, _, stderr) = dir.run(&["-d", "proto/a.proto"]);
    let text = "pftrace-codegen: proto/a.proto: expected a serialized FileDescriptorSet: ";
    assert!(code == Some(1) && stderr.starts_with(text), "{stderr}");
}

#[test]
fn chooses_roots_and_leaves_types_to_other_paths() {
    let dir = Dir::new("roots");
    dir.write(
        "proto/b.proto",
        "syntax = \"proto3\";\npackage p;\nimport \"a.proto\";\nmessage B { M m = 1; }\nmessage C {}",
    );
    let run = |arguments: &[&str]| dir.run(&[&["-q", "-Iproto", "proto/b.proto"], arguments].concat());
    let (code, both, stderr) = run(&["-r", "p.B", "--extern=M=::other::M"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(both.contains("pub struct B<'w>") && both.contains("f: impl FnOnce(&mut ::other::M<'_>)"), "{both}");
    assert!(!both.contains("pub struct C") && !both.contains("pub struct M"), "{both}");
    let (_, two, _) = run(&["--root", "p.C", "--root=M"]);
    assert!(
        two.contains("pub struct C<'w>") && two.contains("pub struct M<'w>") && !two.contains("pub struct B"),
        "{two}"
    );
    for (arguments, expected) in [
        (["-r", "p.D"], "expected the full name of a message, enum or extension, found `p.D`"),
        (
            ["-e", "p=a b"],
            "expected the path of a Rust module or type that begins with `::` or `crate::` for `p`, found `a b`",
        ),
        (["-e", "=::a"], "expected a package or type for `::a`, found ``"),
    ] {
        let (code, stdout, stderr) = run(&arguments);
        assert_eq!((code, stdout.as_str(), stderr), (Some(1), "", format!("pftrace-codegen: {expected}\n")));
    }
}

#[test]
fn wrong_use_exits_with_2() {
    let dir = Dir::new("usage");
    for (arguments, expected) in [
        (&[][..], "expected at least one .proto file"),
        (&["--check", "a.proto"], "expected --out with --check, to know what to compare"),
        (&["--colour"], "invalid option '--colour'"),
        (&["a.proto", "-o"], "missing argument for option '-o'"),
        (&["-d"], "missing argument for option '-d'"),
        (&["-r"], "missing argument for option '-r'"),
        (&["a.proto", "-e"], "missing argument for option '-e'"),
        (&["a.proto", "--extern", "a.b"], "expected <name>=<path> with --extern, found 'a.b'"),
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
    let options = [
        "-I, --include <dir>",
        "-d, --descriptor-set <file>",
        "-r, --root <name>",
        "-e, --extern <name>=<path>",
        "-o, --out <file>",
        "--check",
        "-q, --quiet",
        "-h, --help",
        "-V, --version",
    ];
    for option in options {
        let starts_a_line = help.lines().any(|line| line.trim_start().starts_with(option));
        assert!(starts_a_line, "{option}");
    }
    assert!(help.lines().all(|line| line.len() <= 80));
    assert_eq!(dir.run(&["-h"]).1, help);
    assert_eq!(dir.run(&["-V"]).1, format!("pftrace-codegen {}\n", env!("CARGO_PKG_VERSION")));
}
