//! That the writers are what the generator makes, and that they write.

use pftrace_codegen::Config;
use shapes_checked_in::{Circle, Point};

#[test]
fn the_writers_are_up_to_date() {
    let config = Config::new().include("../build-script/proto").root("shapes.Circle");
    let checked = config.check(&["shapes.proto"], "src/generated.rs");
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_buffer_of_the_largest_message() {
    let mut buffer = [0; Circle::MAX_LEN];
    let bytes = Circle::encode(&mut buffer, |circle| {
        circle.set_radius(1.0).set_center(|center| {
            center.set_x(i32::MIN).set_y(i32::MAX);
        });
    });
    assert_eq!(bytes.unwrap().len(), Circle::MAX_LEN);
    assert_eq!(Point::MAX_LEN, 12);
}
