//! Decision tables: what they make of a state, and what is said of a table that is wrong.

use std::collections::BTreeMap;

use assize::oracle::{Call, On, State};
use assize::suite::model::Suite;
use assize::suite::{Files, Selection, load};
use assize::template::Scope;
use serde_json::{Value, json};

const MANIFEST: &str = "suite: library\nuse: fixtures\nscenarios: scenarios\n";
const PROFILE: &str = "
profile: strict
answers:
  made: { status: 201 }
  gone: { status: 204 }
  refused: { status: 409 }
  missing: { status: 404 }
";
const SHELF: &str = "
resource: shelf
create: { request: POST /shelves, answer: made }
object: '{{ body }}'
read: GET /shelves/{{ shelf.id }}
shows: { books: '{{ children.book | refs }}' }
delete:
  request: DELETE /shelves/{{ shelf.id }}
  answer: gone
  decides:
    - { if: gone, answer: missing }
    - { if: all.shelf | length == 1, answer: refused }
    - answer: gone
      removes: [book, page]
      changes: { of: shelf, where: it.next == shelf.id, sets: { next: '{{ shelf.next }}' } }
";
const BOOK: &str = "
resource: book
needs: shelf
params: { title: none }
create:
  request: POST /shelves/{{ shelf.id }}/books
  answer: made
  decides:
    - { if: gone, answer: missing }
    - { answer: made, sets: { title: '{{ title }}' } }
object: '{{ body }}'
read: GET /books/{{ book.id }}
";
const PAGE: &str = "
resource: page
needs: book
create: { request: POST /pages, answer: made }
object: '{{ body }}'
read: GET /pages/{{ page.id }}
";

fn loaded(shelf: &str, scenarios: &str) -> Result<Suite, Vec<String>> {
    let files = BTreeMap::from([
        ("suite.yaml".to_owned(), MANIFEST),
        ("fixtures/profile.yaml".to_owned(), PROFILE),
        (
            "fixtures/shelf.yaml".to_owned(),
            shelf.to_owned().leak() as &'static str,
        ),
        ("fixtures/book.yaml".to_owned(), BOOK),
        ("fixtures/page.yaml".to_owned(), PAGE),
        (
            "scenarios/a.yaml".to_owned(),
            scenarios.to_owned().leak() as &'static str,
        ),
    ]);
    load(&Selection {
        suite: Some(Files::Embedded(files)),
        scenarios: None,
        variables: Vec::new(),
    })
    .map_err(|found| {
        found
            .iter()
            .map(|diagnostic| diagnostic.render(false))
            .collect()
    })
}

const PLAIN: &str = "given: [shelf]\nwhen: delete shelf\nthen: contract\n";

/// Two shelves, the first before the second; a book with a page on the second.
fn library(suite: &Suite) -> State {
    let mut state = State::new(suite);
    let kind = |name: &str| &suite.resources[name];
    state.add(
        kind("shelf"),
        json!({"id": "s1", "next": "s2", "books": []}).into(),
        vec![],
    );
    state.add(
        kind("shelf"),
        json!({"id": "s2", "next": null, "books": []}).into(),
        vec![],
    );
    state.add(
        kind("book"),
        json!({"id": "b"}).into(),
        vec![("shelf".to_owned(), 1)],
    );
    state.add(
        kind("page"),
        json!({"id": "p"}).into(),
        vec![("book".to_owned(), 2)],
    );
    state
}

fn delete(suite: &Suite, at: usize) -> Call<'_> {
    Call {
        operation: suite.resources["shelf"]
            .delete
            .as_ref()
            .expect("it can be deleted"),
        on: On::Object(at),
        with: Scope::new(),
    }
}

fn value(state: &State, at: usize) -> Value {
    let value = state.value(at, &Scope::new());
    Value::clone(&value.expect("its expressions hold"))
}

#[test]
fn a_success_removes_what_rests_on_the_object_and_changes_what_points_to_it() {
    let suite = loaded(SHELF, PLAIN).unwrap();
    let mut state = library(&suite);
    let base = Scope::new();
    assert_eq!(value(&state, 1)["books"], json!([{"id": "b"}]));
    let call = delete(&suite, 1);
    let line = state.decide(&call, &base).unwrap();
    assert_eq!(line, 2);
    state.apply(&call, line, &base, None).unwrap();
    assert_eq!(
        state.alive().collect::<Vec<_>>(),
        [0],
        "book and page went with the shelf"
    );
    assert_eq!(value(&state, 0)["next"], Value::Null);
    assert_eq!(
        state.decide(&call, &base).unwrap(),
        0,
        "it is gone the second time"
    );
    let last = delete(&suite, 0);
    assert_eq!(state.decide(&last, &base).unwrap(), 1, "the last one stays");
    assert_eq!(state.decide_success(&last, &base).unwrap(), 2);
}

#[test]
fn a_table_sees_what_an_object_shows_of_others() {
    for asked in [
        "shelf.books",
        "shelf['books']",
        "shelf.id and (shelf).books",
    ] {
        let table = SHELF.replace("all.shelf | length == 1", &format!("\"{asked}\""));
        let suite = loaded(&table, PLAIN).unwrap();
        let state = library(&suite);
        let line = |at| state.decide(&delete(&suite, at), &Scope::new()).ok();
        assert_eq!([line(0), line(1)], [Some(2), Some(1)], "{asked}");
    }
}

#[test]
fn a_new_object_is_what_the_answer_shows_with_what_the_table_sets() {
    let suite = loaded(SHELF, PLAIN).unwrap();
    let mut state = library(&suite);
    let base = Scope::new();
    let mut with = Scope::new();
    with.set("title", &json!("Emma"));
    let call = Call {
        operation: &suite.resources["book"].create,
        on: On::New(&suite.resources["book"], vec![("shelf".to_owned(), 0)]),
        with,
    };
    let line = state.decide(&call, &base).unwrap();
    state
        .apply(
            &call,
            line,
            &base,
            Some(json!({"id": "e", "title": "Persuasion"}).into()),
        )
        .unwrap();
    assert_eq!(value(&state, 4), json!({"id": "e", "title": "Emma"}));
    assert_eq!(value(&state, 0)["books"], json!([{"id": "e"}]));
    state.apply(&delete(&suite, 0), 2, &base, None).unwrap();
    assert_eq!(
        state.decide(&call, &base).unwrap(),
        0,
        "there is no shelf for it"
    );
}

#[test]
fn a_table_that_is_wrong_is_refused_with_its_place() {
    let refused = |shelf: &str, scenario: &str| loaded(shelf, scenario).unwrap_err().join("\n");
    let conditional = SHELF.replace(
        "    - answer: gone\n      removes",
        "    - answer: gone\n      if: false\n      removes",
    );
    let text = refused(&conditional, PLAIN);
    assert!(
        text.contains("bad-decision") && text.contains("must always apply"),
        "{text}"
    );
    let early = SHELF.replace("{ if: gone, answer: missing }", "{ answer: missing }");
    assert!(refused(&early, PLAIN).contains("this line always applies"));
    let never = SHELF.replace("    - answer: gone\n", "    - answer: missing\n");
    assert!(refused(&never, PLAIN).contains("tells of success"));
    let unknown = SHELF.replace("all.shelf | length", "shelves | length");
    assert!(refused(&unknown, PLAIN).contains("there is no `shelves` here"));
    let kind = SHELF.replace("[book, page]", "[boook]");
    let text = refused(&kind, PLAIN);
    assert!(
        text.contains("there is no resource `boook`") && text.contains("`book`"),
        "{text}"
    );
    let plain = "given: [shelf]\nwhen: { request: GET / }\nthen: contract\n";
    assert!(refused(SHELF, plain).contains("no-contract"));
    let read = "given: [shelf]\nwhen: read shelf\nthen: contract\n";
    assert!(refused(SHELF, read).contains("no-contract"));
}
