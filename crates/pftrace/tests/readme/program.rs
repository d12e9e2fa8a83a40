use pftrace::{TraceWriter, Unit};

fn main() -> Result<(), pftrace::Error> {
    let mut trace = TraceWriter::create(std::env::temp_dir().join("hello.pftrace"))?;
    let game = trace.process_track(42).name("game").describe()?;
    let mut main = trace.thread_track(&game, 42).name("main").describe()?;
    let fps = trace.counter_track("fps").parent(&game).unit(Unit::Count).describe()?;

    for frame in 0..100_u64 {
        let start = frame * 16_666_667; // nanoseconds
        trace.slice_with(&mut main, start, start + 9_000_000, "frame", |event| {
            event.category("render").arg("number", frame).dict("camera", |camera| {
                camera.arg("x", 0.5).arg("moving", frame % 2 == 0);
            });
        })?;
        trace.counter(&fps, start, 60)?;
    }
    trace.finish()?;
    Ok(())
}
