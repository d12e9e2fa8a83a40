//! Categories: described, tagged, listed, switched, asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pftrace::{Category, Session, category_enabled, instant, set_categories, slice};

use crate::{alone, record, record_as};

pftrace::categories! {
    /// The first line.
    /// The second.
    #[tags("cat-slow", "cat-debug")]
    #[doc = " The third."]
    pub(crate) TAGGED = "cat.tagged";
    #[tags("cat-slow")]
    #[allow(dead_code)]
    SLOW = "cat.slow";
    PLAIN = "cat.plain";
}

#[test]
fn categories_are_described_and_listed() {
    assert_eq!(TAGGED.description_lines(), [" The first line.", " The second.", " The third."]);
    assert_eq!(TAGGED.own_tags(), ["cat-slow", "cat-debug"]);
    assert!(PLAIN.description_lines().is_empty() && PLAIN.own_tags().is_empty());
    _ = record(|| {
        instant!("cat.tagged", "of the same name");
        instant!(TAGGED, "x");
        instant!(PLAIN, "x");
    });
    let all: Vec<_> = Category::all().into_iter().filter(|category| category.name().starts_with("cat.")).collect();
    let tagged: Vec<_> = all.iter().filter(|category| category.name() == "cat.tagged").collect();
    assert_eq!(tagged.len(), 1);
    assert_eq!(tagged[0].description_lines().len(), 3);
    assert!(all.iter().any(|category| category.name() == "cat.plain"));
}

#[test]
fn tags_switch_what_bears_them() {
    let recorded = record(|| {
        let all = |round: &str| {
            instant!(TAGGED, round);
            instant!(SLOW, round);
            instant!(PLAIN, round);
            instant!("cat.tagged", round);
        };
        all("on");
        let asked = || [category_enabled!(TAGGED), category_enabled!(SLOW), category_enabled!(PLAIN)];
        assert_eq!(asked(), [true; 3]);
        set_categories("-tag:cat-slow");
        all("without slow");
        assert_eq!((asked(), category_enabled!("cat.tagged")), ([false, false, true], false));
        set_categories("tag:cat-debug");
        all("debug alone");
        assert_eq!((asked(), category_enabled!("cat.tagged")), ([true, false, false], true));
        set_categories("-tag:cat-* cat.slow");
        all("slow after all");
        assert_eq!(asked(), [false, true, false]);
        set_categories("");
    });
    let Some((loaded, _)) = recorded else { return };
    let of = |round| {
        let slices = loaded.slices_named(round);
        slices.iter().map(|slice| slice.category.clone().unwrap().replace("cat.", "")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("on"), "tagged slow plain tagged");
    assert_eq!(of("without slow"), "plain");
    assert_eq!(of("debug alone"), "tagged tagged");
    assert_eq!(of("slow after all"), "slow");
}

#[test]
fn what_is_asked_is_what_is_recorded() {
    let enabled =
        || [category_enabled!(PLAIN), category_enabled!("cat.asked"), category_enabled!("cat.met in session")];
    let is = [PLAIN.is_enabled(), false, false];
    {
        let _alone = alone();
        assert_eq!((enabled(), is), ([false; 3], is));
    }
    let (_, report) = record_as(
        |builder| builder.categories("-cat.asked"),
        |_| {
            assert_eq!(enabled(), [true, false, true]);
            set_categories("cat.asked");
            assert_eq!(enabled(), [false, true, false]);
            set_categories("");
            assert_eq!(enabled(), [true; 3]);
        },
    );
    assert_eq!(report.events, 0);
    let _alone = alone();
    assert_eq!(enabled(), [false; 3]);
}

/// A session starts and stops, and categories are met, at the same time: what is asked is right as soon as both are done.
#[test]
fn what_is_asked_is_right_when_a_session_starts_meanwhile() {
    for _ in 0..200 {
        let category: &'static Category = Box::leak(Box::new(Category::new("cat.racing")));
        let (go, met) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !go.load(Ordering::Acquire) {
                    std::hint::spin_loop();
                }
                while !category.is_enabled() {
                    std::hint::spin_loop();
                }
                met.store(true, Ordering::Release);
            });
            record_as(
                |builder| {
                    go.store(true, Ordering::Release);
                    builder.drain_by_caller()
                },
                |_| {
                    while !met.load(Ordering::Acquire) {
                        std::hint::spin_loop();
                    }
                },
            );
            // Another test may record by now.
            let _alone = alone();
            assert!(!category.is_enabled());
        });
    }
    let _slice = slice!(PLAIN, "nothing is recorded");
}

/// Before the first session of a process: nothing is recorded, and what was met is on as soon as there is one, unless it is off.
#[test]
fn what_was_met_before_the_first_session_is_on_in_it() {
    static MANY: [Category; 50] = [const { Category::new("early.many") }; 50];
    pftrace::categories! {
        EARLY = "early.on";
        OFF = "early.off";
    }
    let record = |number: u64| {
        instant!(EARLY, "plain");
        instant!(EARLY, "annotated", number);
        instant!(OFF, "off");
        instant!("early.other", "other");
        let _slice = slice!(EARLY, "slice");
    };
    if crate::reentrancy::file_of_process().is_some() {
        thread::scope(|scope| {
            let threads = [(); 4].map(|()| {
                scope.spawn(|| {
                    record(0);
                    assert!(MANY.iter().all(|category| !category.is_enabled()));
                })
            });
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        for _ in 0..2 {
            let session = Session::builder().categories("-early.off").writer(std::io::sink()).start().unwrap();
            assert!(EARLY.is_enabled() && !OFF.is_enabled() && MANY.iter().all(Category::is_enabled));
            record(1);
            let report = session.stop().unwrap();
            assert_eq!((report.events, report.lost()), (5, 0), "{report:?}");
            record(2);
        }
        println!("all of it");
        return;
    }
    let nowhere = std::env::temp_dir().join("pftrace-early");
    let output =
        crate::reentrancy::in_a_process("categories::what_was_met_before_the_first_session_is_on_in_it", &nowhere);
    assert!(String::from_utf8_lossy(&output.stdout).contains("all of it"), "{output:?}");
}
