//! Mistakes of this program: a panic becomes words, with its place in the source, and the run goes on.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use futures_util::FutureExt as _;

use crate::check::bounded;

thread_local! {
    /// Where the last panic of the thread was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has every panic note its place, beside what is done about panics otherwise.
fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let place = info.location().map(ToString::to_string);
            PLACE.with_borrow_mut(|own| *own = place);
            others(info);
        }));
    });
}

/// What becomes of a computation, or what is said of its panic. What it has changed by then must be fit to be
/// looked at.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    std::panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| words(panic.as_ref()))
}

/// The same for what waits in between.
///
/// What is no `async fn` has no place of its own for what it waits for, which may be large.
pub(super) fn caught_in<T>(
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<T, String>> {
    listen();
    let done = AssertUnwindSafe(work).catch_unwind();
    done.map(|done| done.map_err(|panic| words(panic.as_ref())))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let what = panic.downcast_ref::<&str>().copied();
    let what = what.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let place = PLACE.take();
    format!(
        "this program failed at {}: {}; please report it",
        place.as_deref().unwrap_or("an unknown place"),
        bounded(what.unwrap_or("it does not say why"))
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, VecDeque};
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tokio_util::sync::CancellationToken;

    use crate::case::{Generate, expand};
    use crate::exchange::Exchange;
    use crate::outcome::{Event, RunReport, Verdict};
    use crate::plan::{Filter, Plan};
    use crate::runner::{Options, run};
    use crate::suite::{Files, Selection, load};
    use crate::target::{Limits, Target};

    /// Panics at an answer that asks for it, as soon as it has come.
    pub(in crate::runner) fn strike(exchange: &Exchange) {
        if let Ok(response) = &exchange.response {
            assert!(response.header("x-panic").is_none(), "struck");
        }
    }

    const RESOURCES: &str = "
resource: RESOURCE
scope: SCOPE
create: { request: POST /boxesQUERY, json: { name: '{{ unique_name }}' } }
object: '{{ body }}'
read: 'GET /boxes/{{ RESOURCE.id }}'
list: { request: GET /boxes, items: '{{ body }}' }
delete: 'DELETE /boxes/{{ RESOURCE.id }}'
";

    const SCENARIOS: &str = "scenarios:
  - { id: act, given: [box], when: 'GET /boxes/{{ box.id }}?panic', then: { status: 200 } }
  - { id: create, given: [bomb], when: GET /boxes, then: { status: 200 } }
  - { id: creates, given: [box], steps: [{ request: 'POST /boxes?panic', json: { name: '{{ unique_name }}' }, creates: { more: box } }] }
  - { id: share, given: [shared], when: GET /boxes, then: { status: 200 } }
  - { id: fine, given: [box], when: 'GET /boxes/{{ box.id }}', then: { status: 200 } }
";

    /// Keeps boxes. What it does with a request that hangs is up to the test.
    #[derive(Clone, Default)]
    struct Boxes {
        all: Arc<Mutex<BTreeMap<String, Value>>>,
        hangs: CancellationToken,
    }

    impl Boxes {
        fn serve(&self) -> String {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let own = self.clone();
            std::thread::spawn(move || {
                let mut kept = VecDeque::new();
                for stream in listener.incoming().flatten() {
                    kept.extend(own.answer(stream));
                }
            });
            url
        }

        fn count(&self) -> usize {
            self.all.lock().expect("whole").len()
        }

        /// Answers, or gives the connection back that is to hang.
        fn answer(&self, mut stream: TcpStream) -> Option<TcpStream> {
            let mut bytes = Vec::new();
            let mut buffer = [0; 4096];
            let text = loop {
                let read = stream.read(&mut buffer).ok()?;
                bytes.extend_from_slice(&buffer[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    !head.starts_with("POST") || serde_json::from_str::<Value>(body).is_ok()
                });
                if whole || read == 0 {
                    break text;
                }
            };
            let (head, body) = text.split_once("\r\n\r\n")?;
            let mut words = head.split(' ');
            let (method, target) = (words.next()?, words.next()?);
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let mut all = self.all.lock().expect("whole");
            let id = path.strip_prefix("/boxes/").unwrap_or_default();
            let (status, answer) = match method {
                "POST" => {
                    let id = format!("b-{}", all.len());
                    let name = serde_json::from_str::<Value>(body).ok()?["name"].clone();
                    let made = json!({ "id": id, "name": name });
                    all.insert(id, made.clone());
                    (201, made)
                }
                "GET" if id.is_empty() => (200, all.values().cloned().collect()),
                "GET" => match all.get(id) {
                    Some(one) => (200, one.clone()),
                    None => (404, Value::Null),
                },
                _ => match all.remove(id) {
                    Some(_) => (200, Value::Null),
                    None => (404, Value::Null),
                },
            };
            if query == "hang" {
                self.hangs.cancel();
                return Some(stream);
            }
            let answer = answer.to_string();
            let panic = if query == "panic" {
                "X-Panic: 1\r\n"
            } else {
                ""
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\n{panic}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                answer.len()
            );
            None
        }
    }

    /// Runs the cases of these names.
    async fn check(
        boxes: &Boxes,
        cases: &[&str],
        query: &str,
        on_event: impl FnMut(Event<'_>),
    ) -> RunReport {
        let mut files = BTreeMap::new();
        for (resource, scope, query) in [
            ("box", "case", ""),
            ("bomb", "case", query),
            ("shared", "worker", query),
        ] {
            let text = (RESOURCES.replace("RESOURCE", resource))
                .replace("SCOPE", scope)
                .replace("QUERY", query);
            files.insert(format!("{resource}.yaml"), text);
        }
        files.insert("it.yaml".to_owned(), SCENARIOS.to_owned());
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).expect("room");
        }
        let files = Files::Directory {
            root: directory.path().to_path_buf(),
            prefix: String::new(),
            here: None,
        };
        let suite = load(&Selection {
            suite: None,
            scenarios: Some((files, vec![String::new()])),
            variables: Vec::new(),
        });
        let suite = suite.unwrap_or_else(|found| panic!("{found:?}"));
        let mut limits = Limits::STANDARD;
        limits.request = std::time::Duration::from_secs(600);
        let target = Target::new(&suite, &boxes.serve(), None, &BTreeMap::new(), limits)
            .unwrap_or_else(|error| panic!("{error}"));
        let expanded = expand(&suite, &target, &Generate::default()).cases;
        let mut plan = Plan::new(&suite, expanded, &Filter::default(), &target)
            .unwrap_or_else(|error| panic!("{error}"));
        plan.cases.retain(|it| {
            let id = it.case().id();
            let name = id.rsplit('/').next().unwrap_or_default();
            cases.is_empty() || cases.contains(&name)
        });
        let cancel = CancellationToken::new();
        let options = Options {
            jobs: 1,
            at_once: cancel.clone(),
            ..Options::standard()
        };
        let waiting = boxes.hangs.clone();
        let stop = cancel.clone();
        tokio::spawn(async move {
            waiting.cancelled().await;
            stop.cancel();
        });
        run(
            Arc::new(suite),
            Arc::new(target),
            plan,
            options,
            cancel,
            on_event,
        )
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[tokio::test]
    async fn a_panic_in_a_case_is_an_error_of_that_case_which_cleans_up_all_the_same() {
        let boxes = Boxes::default();
        let report = check(&boxes, &[], "?panic", |_| {}).await;
        for outcome in &report.outcomes {
            if outcome.id.ends_with("fine") {
                assert_eq!(outcome.verdict, Verdict::Pass, "{outcome:?}");
                continue;
            }
            assert_eq!(outcome.verdict, Verdict::Error, "{outcome:?}");
            let why = outcome.reason.as_deref().unwrap_or_default();
            assert!(
                why.contains("this program failed at src/runner/failure.rs:"),
                "{why}"
            );
            assert!(why.ends_with(": struck; please report it"), "{why}");
        }
        // The fifth is what became of the shared object.
        assert_eq!(report.outcomes.len(), 6, "{report:?}");
        assert_eq!(
            (boxes.count(), report.counts().leaked),
            (0, 0),
            "{report:?}"
        );
    }

    #[tokio::test]
    async fn a_panic_in_a_report_ends_the_run_and_keeps_what_was_judged() {
        let boxes = Boxes::default();
        let mut told = Vec::new();
        let report = check(&boxes, &["fine", "creates"], "", |event| {
            if let Event::Finished(outcome) = event {
                told.push(outcome.verdict);
                assert!(told.len() > 1, "struck");
            }
        })
        .await;
        assert_eq!(told, [Verdict::Error, Verdict::Skip]);
        let verdicts: Vec<Verdict> = report.outcomes.iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, told);
        let why = report.cut_short.as_deref().unwrap_or_default();
        assert!(
            why.contains("this program failed at src/runner/failure.rs:"),
            "{why}"
        );
        assert_eq!((boxes.count(), report.exit_code()), (0, 3));
    }

    #[tokio::test]
    async fn a_run_that_is_left_at_once_lists_what_it_leaves() {
        for case in ["create", "share"] {
            let boxes = Boxes::default();
            let report = check(&boxes, &[case], "?hang", |_| {}).await;
            let counts = report.counts();
            assert_eq!(
                (counts.leaked, boxes.count(), report.exit_code()),
                (1, 1, 3),
                "{report:?}"
            );
            let mut leaked = report
                .outcomes
                .iter()
                .flat_map(|it| &it.leaked)
                .chain(&report.leaked);
            let leak = leaked.next().expect("a leak");
            assert_eq!(
                leak.why,
                "whether it was created is not known: the run was left at once"
            );
            assert!(leak.id.starts_with("assize-"), "{leak:?}");
        }
    }
}
