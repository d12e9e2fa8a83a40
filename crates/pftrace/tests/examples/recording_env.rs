use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

use pftrace_testkit::{Loaded, check};

use crate::{uint, values};

#[path = "../../examples/recording_env.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

const FILES: &str = "PFTRACE_TEST_FILES";

/// The example in a process of its own, since the environment is the process's: counts the words of `files`.
#[test]
fn in_a_process_of_its_own() {
    if let Some(files) = env::var_os(FILES) {
        example::count_words(env::split_paths(&files).map(OsString::from)).unwrap();
    }
}

/// Counts words with `PFTRACE` set to this. `None` where it is not set.
fn count_words(files: &[PathBuf], pftrace: Option<String>) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "recording_env::in_a_process_of_its_own", "--nocapture"]).env_remove("PFTRACE");
    let output = command.env(FILES, env::join_paths(files).unwrap()).envs(pftrace.map(|value| ("PFTRACE", value)));
    let output = output.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_is_traced_when_the_environment_says_so() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("recording_env-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    fs::write(path("two"), "one two\nthree\n").unwrap();
    fs::write(path("none"), "").unwrap();
    let files = [path("two"), path("missing"), path("none")];
    let trace_of = |more: &str| {
        let trace = path("words.pftrace");
        let said = count_words(&files, Some(format!("{}{more}", trace.display())));
        assert!(said.contains("3 in all") && said.contains(" 0 lost"), "{said}");
        fs::read(trace).unwrap()
    };

    let said = count_words(&files, None);
    assert!(said.contains("3 in all") && !said.contains("events"), "{said}");
    let (all, no_lines) = (trace_of(""), trace_of(",categories=-line"));
    let names = files.each_ref().map(|file| file.display().to_string());
    fs::remove_dir_all(&folder).unwrap();

    let Some(all) = check(&all) else { return };
    let [two, missing, none] = names.each_ref().map(|name| {
        let [file] = all.slices_named(name)[..] else { panic!("{name}") };
        file
    });
    let within = |loaded: &Loaded, parent: i64| -> Vec<String> {
        let within = loaded.slices.iter().filter(|slice| slice.parent == Some(parent));
        within.map(|slice| slice.name.clone().unwrap()).collect()
    };
    assert_eq!(within(&all, two.id), ["read", "line", "line"]);
    assert_eq!((within(&all, missing.id), within(&all, none.id)), (vec!["read".into()], vec!["read".into()]));
    let lines: Vec<_> =
        all.slices_named("line").iter().map(|line| (uint(line, "number"), uint(line, "bytes"))).collect();
    assert_eq!(lines, [(1, 7), (2, 5)]);
    assert_eq!(values(&all, "words"), [3.0, 3.0]);
    assert_eq!(all.slices_named("unreadable").len(), 1);

    let no_lines = check(&no_lines).unwrap();
    assert_eq!((no_lines.slices_named("line").len(), no_lines.slices_named("read").len()), (0, 3));
}
