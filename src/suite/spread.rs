//! Work on all processors.

use std::sync::{LazyLock, Mutex, PoisonError};

/// Fewer things are seen to by one thread.
const FEW: usize = 16;

/// What an expression takes that is taken apart from the outside in.
const STACK: usize = 8 << 20;

/// To ask for it is to read files of the system.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));

/// Does the same with many things, on all processors; the results are in the order of the things.
pub(super) fn spread<T: Send, R: Send>(things: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if things.len() < FEW || *THREADS == 1 {
        return things.into_iter().map(work).collect();
    }
    let threads = *THREADS;
    let share = things.len().div_ceil(threads);
    let left = Mutex::new(things.into_iter().enumerate());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut done = Vec::with_capacity(share);
        while let Some((at, thing)) = next() {
            done.push((at, work(thing)));
        }
        done
    };
    let mut all = std::thread::scope(|scope| {
        let spawn = |_| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, work).ok()
        };
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn each_thing_is_seen_to_once_and_has_its_result_at_its_place() {
        // No thread goes on before another has come as far, so that all have some of the things.
        let together = Barrier::new(2);
        for many in [0, 1, FEW, 1000] {
            let expected: Vec<usize> = (0..many).map(|thing| thing * 2).collect();
            let done = spread((0..many).collect(), |thing| {
                if many == 1000 && *THREADS > 1 {
                    together.wait();
                }
                thing * 2
            });
            assert_eq!(done, expected);
        }
    }
}
