//! Writes one message to the standard output: `cargo run -q -p shapes | protoc --decode_raw`.

use std::io::Write;

use shapes::{Color, Drawing};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut buffer = [0; 256];
    let bytes = Drawing::encode(&mut buffer, |drawing| {
        drawing.set_title("a dot");
        drawing.add_shapes(|shape| {
            shape.set_color(Color::COLOR_RED).set_circle(|circle| {
                circle.set_radius(0.5).set_center(|center| {
                    center.set_x(3).set_y(-4);
                });
            });
        });
    })?;
    std::io::stdout().write_all(bytes)?;
    Ok(())
}
