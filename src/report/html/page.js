"use strict";
(() => {
  const read = (element) => JSON.parse(element.textContent);
  const run = read(document.getElementById("run"));
  const summary = read(document.getElementById("summary"));
  const cases = Array.from(document.querySelectorAll("script.case"), read);
  const wires = new Map();
  for (const element of document.querySelectorAll("script.exchanges")) wires.set(Number(element.dataset.of), element);
  const requirements = new Map(summary.requirements.map((it) => [it.id, it]));
  const place = (it) => `${it.file}:${it.line}:${it.column}`;
  const written = new Map(summary.scenarios.map((it) => [place(it.location), it.text]));

  /* Text from outside becomes text nodes and nothing else; what cannot be seen is spelled out. */
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]/g;
  const shown = (text) => String(text).replace(hidden, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
  const make = (name, given = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(given)) {
      if (value === undefined || value === null || value === false) continue;
      if (key === "class") element.className = value;
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key, value === true ? "" : shown(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child === undefined || child === null || child === false) continue;
      element.append(child instanceof Node ? child : shown(child));
    }
    return element;
  };
  const byId = (id) => document.getElementById(id);
  const fill = (element, ...children) => element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  const spoken = (ms) => (ms < 1 ? "<1 ms" : ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${(ms / 1000).toFixed(2)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`);
  const many = (count, one, more = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
  const moment = (iso) => {
    const fraction = /\.(\d+)Z$/.exec(iso);
    return Date.parse(iso.replace(/\.\d+Z$/, "Z")) + (fraction ? Number(`0.${fraction[1]}`) * 1000 : 0);
  };

  const kinds = [
    ["fail", "failed", "✕", "The endpoint broke a requirement"],
    ["error", "not judged", "!", "It could not be judged"],
    ["leaked", "left objects", "⚑", "Objects were left on the endpoint"],
    ["warned", "warned", "△", "Passed, but breaks a should"],
    ["waived", "waived", "~", "Failed as a waiver says it may"],
    ["pass", "passed", "✓", "Everything that was asked for holds"],
    ["skip", "skipped", "–", "Did not run"],
  ];
  const words = new Map(kinds.map(([kind, word]) => [kind, word]));
  const glyphs = new Map(kinds.map(([kind, , glyph]) => [kind, glyph]));
  const list = (it) => it || [];
  cases.forEach((it, at) => {
    it.at = at;
    it.is = new Set([it.verdict]);
    if (it.verdict === "pass" && list(it.findings).length) it.is.add("warned");
    if (list(it.leaked).length) it.is.add("leaked");
    it.kind = kinds.find(([kind]) => it.is.has(kind))[0];
    it.broken = new Set(list(it.findings).flatMap((finding) => list(finding.requirements)));
    it.hay = [it.id, it.title, it.feature, it.reason, it.why, ...list(it.tags), ...list(it.requirements),
      ...list(it.findings).flatMap((f) => [f.check, f.expected, f.actual]),
      ...list(it.observations).flatMap((o) => [o.name, o.value])].filter(Boolean).join("\n").toLowerCase();
  });
  const rank = new Map(kinds.map(([kind], at) => [kind, at]));
  const ordered = cases.slice().sort((a, b) => rank.get(a.kind) - rank.get(b.kind) || a.at - b.at);
  const counts = new Map(kinds.map(([kind]) => [kind, cases.filter((it) => it.is.has(kind)).length]));
  const shared = list(summary.leaked);
  const leaks = cases.reduce((sum, it) => sum + list(it.leaked).length, shared.length);
  const ran = cases.length - counts.get("skip");

  /* What is looked at, kept in the address. */
  const state = { view: "cases", q: "", kinds: new Set(), requirement: "", tag: "", case: "" };
  const load = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    state.view = ["requirements", "behaviour"].includes(given.get("view")) ? given.get("view") : "cases";
    state.q = given.get("q") || "";
    state.kinds = new Set((given.get("verdict") || "").split(",").filter((kind) => words.has(kind)));
    state.requirement = given.get("requirement") || "";
    state.tag = given.get("tag") || "";
    state.case = given.get("case") || "";
  };
  const address = (change = {}) => {
    const now = { ...state, ...change };
    const to = new URLSearchParams();
    if (now.view !== "cases") to.set("view", now.view);
    if (now.q) to.set("q", now.q);
    if (now.kinds.size) to.set("verdict", Array.from(now.kinds).join(","));
    if (now.requirement) to.set("requirement", now.requirement);
    if (now.tag) to.set("tag", now.tag);
    if (now.case) to.set("case", now.case);
    return `#${to}`;
  };
  const go = (change) => {
    Object.assign(state, change);
    history.replaceState(null, "", address());
    show();
  };
  const all = { view: "cases", q: "", kinds: new Set(), requirement: "", tag: "" };
  const linkTo = (change, ...children) => make("a", { href: address({ ...all, ...change }) }, ...children);

  /* The first screen. */
  const worst = summary.cut_short || counts.get("error") ? "error" : counts.get("fail") ? "fail" : leaks ? "leaked" : ran ? "pass" : "skip";
  const first = () => {
    const failed = counts.get("fail"), unjudged = counts.get("error");
    const parts = [];
    if (failed) parts.push(`${failed.toLocaleString("en")} of ${many(ran, "case")} failed`);
    if (unjudged) parts.push(`${unjudged.toLocaleString("en")} could not be judged`);
    if (!parts.length && leaks) parts.push(`All passed, ${many(leaks, "object was", "objects were")} left behind`);
    if (!parts.length) parts.push(ran ? `All ${many(ran, "case")} passed` : "Nothing ran");
    byId("stripe").className = byId("verdict").className = "";
    byId("stripe").className = `stripe ${worst}`;
    byId("verdict").className = failed ? "fail" : worst;
    fill(byId("verdict"), document.createTextNode(parts.join(", ")));
    fill(byId("held"), make("b", {}, run.suite_title || run.suite), ", asked of ", make("b", { class: "mono" }, run.endpoint), run.profile ? [" as ", make("b", {}, run.profile)] : "");
    const facts = [
      ["Profile", run.profile || "none"], ["Suite", `${run.suite} ${run.suite_version || ""}`], ["Tool", `assize ${run.tool_version}`],
      ["Began", run.started.replace("T", " ").replace(/\.\d+Z$/, " UTC").replace(/Z$/, " UTC")], ["Took", spoken(summary.duration_ms)], ["Requests", cases.reduce((sum, it) => sum + it.requests, 0).toLocaleString("en")],
      ["Run", run.run_id], ["Seed", run.seed], ["Strict", run.strict ? "yes" : "no"],
    ];
    fill(byId("facts"), facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", { title: value }, value))));

    const todo = [];
    const again = (id) => make("code", {}, `assize run --endpoint ${run.endpoint}${run.profile ? ` --profile ${run.profile}` : ""} --seed ${run.seed} --filter '${id}'`);
    if (summary.cut_short) todo.push(make("p", {}, make("b", {}, "The run was cut short: "), summary.cut_short, ". What is missing is listed as skipped."));
    if (failed) {
      const one = ordered.find((it) => it.verdict === "fail");
      todo.push(make("p", {}, "Open a failure: it shows what was expected and what came, the exchange that shows it, and a ", make("code", {}, "curl"), " line that repeats it. To run one again: ", again(one.id)));
    }
    if (unjudged) todo.push(make("p", {}, "What could not be judged says nothing of the endpoint's behaviour: look at its reason first, usually a refused set-up, a quota or credentials."));
    if (leaks) todo.push(make("p", {}, `Remove what is left on the endpoint: ${[...shared, ...cases.flatMap((it) => list(it.leaked))].slice(0, 5).map((leak) => `${leak.resource} ${leak.id}`).join(", ")}${leaks > 5 ? " …" : ""}.`));
    for (const notice of list(summary.notices)) todo.push(make("p", {}, make("b", {}, "Note: "), notice, "."));
    if (!todo.length) todo.push(make("p", {}, ran ? "Nothing to do. The behaviour sheet lists what was observed where the contract is silent." : "Nothing was judged: the filters or the profile leave no case."));
    if (run.insecure) todo.unshift(make("p", {}, make("b", {}, "Warning: "), "the endpoint's certificate was not looked at: anybody may have answered."));
    byId("todo").className = `todo ${failed ? "fail" : worst}`;
    fill(byId("todo").firstElementChild, todo);
  };

  const broken = () => {
    const groups = new Map();
    for (const it of ordered) {
      const finding = list(it.findings)[0];
      const id = finding && list(finding.requirements)[0];
      const key = it.verdict === "error" ? `e ${it.reason}` : `f ${id || (finding ? finding.check : it.id)}`;
      if (it.verdict !== "fail" && it.verdict !== "error") continue;
      const group = groups.get(key) || { kind: it.verdict, id, cases: [] };
      groups.set(key, group);
      group.cases.push(it);
    }
    /* Each way to go wrong once, before what goes wrong in a way that is told already. What the contract expects is named as each case names it. */
    const way = (it) => {
      const finding = list(it.findings)[0];
      return it.verdict === "fail" && finding ? `${finding.check} ${finding.check === "contract" ? "" : finding.expected} ${finding.actual}` : it.reason || it.id;
    };
    const told = new Set(), again = [], inOrder = [];
    for (const group of groups.values()) {
      const fresh = group.cases.find((it) => !told.has(way(it)));
      group.first = fresh || group.cases[0];
      told.add(way(group.first));
      (fresh ? inOrder : again).push(group);
    }
    const shownGroups = [...inOrder, ...again].slice(0, 5);
    const calm = !groups.size;
    byId("overview").classList.toggle("calm", calm);
    byId("broken-sheet").classList.toggle("hidden", calm);
    fill(byId("broken"), shownGroups.map((group) => {
      const one = group.first, finding = list(one.findings)[0], known = requirements.get(group.id);
      const failed = group.kind === "fail";
      const heading = !failed ? ["Could not be judged"] : group.id ? [make("span", { class: "mono" }, group.id), known ? known.text : ""] : [one.title];
      const but = failed && finding ? [make("b", {}, finding.check), " expected ", make("b", {}, finding.expected), ", came ", make("b", {}, finding.actual)] : [one.reason || (failed ? "failed" : "no reason given")];
      const text = make("div", {}, make("div", { class: "what" }, heading), make("div", { class: "but" }, but),
        make("div", { class: "first" }, linkTo({ case: one.id, kinds: new Set([group.kind]) }, one.title)));
      const more = group.cases.length > 1 && make("a", { class: "count", href: address({ ...all, kinds: new Set([group.kind]), q: "", requirement: Array.from(one.broken)[0] || "", case: one.id }) }, many(group.cases.length, "case"));
      return make("li", { class: group.kind }, make("span", { class: "glyph" }, glyphs.get(group.kind)), text, more || make("span", {}));
    }));
    const rest = groups.size - shownGroups.length;
    fill(byId("broken-note"), document.createTextNode(calm ? "" : `${many(counts.get("fail") + counts.get("error"), "case")}${rest > 0 ? `, ${many(rest, "more group")} below` : ""}`));
  };

  const mixOf = new Map();
  for (const it of cases) for (const id of new Set([...list(it.requirements), ...it.broken])) {
    const mix = mixOf.get(id) || {};
    mix[it.verdict] = (mix[it.verdict] || 0) + 1;
    mixOf.set(id, mix);
  }
  const map = () => {
    const levels = [["must", "must"], ["should", "should"], ["observe", "observed only"], ["not_applicable", "does not apply to this profile"]];
    const tiles = (level) => summary.requirements.filter((it) => it.level === level).map((it) => {
      const mix = mixOf.get(it.id) || {};
      const said = Object.entries(mix).map(([kind, count]) => `${count} ${words.get(kind)}`).join(", ");
      const bars = kinds.filter(([kind]) => mix[kind]).map(([kind]) => { const i = make("i", { class: kind }); i.style.flexGrow = mix[kind]; return i; });
      return make("button", { class: `tile ${it.verdict || "none"}`, type: "button", "data-requirement": it.id, title: `${it.id} ${it.level}: ${it.text}\n${said || it.untested || "no case shows it"}`, onclick: () => go({ ...all, requirement: state.requirement === it.id ? "" : it.id, case: "" }) }, it.id.replace(/^.*?(\S{1,9})$/, "$1"), make("span", { class: "mix" }, bars));
    });
    fill(byId("map"), levels.flatMap(([level, name]) => { const own = tiles(level); return own.length ? [make("h3", {}, `${name}, ${own.length}`), make("div", { class: "tiles" }, own)] : []; }));
    fill(byId("legend"), [["pass", "holds"], ["fail", "broken"], ["error", "not judged"], ["waived", "waived"], ["skip", "skipped"], ["none", "no case shows it"]].map(([kind, word]) => make("span", { class: kind }, word)));
  };

  /* Filters. */
  const bar = () => {
    const view = (name, word) => make("button", { type: "button", role: "tab", "data-view": name, onclick: () => go({ view: name }) }, word);
    const seen = cases.reduce((sum, it) => sum + list(it.observations).length, 0);
    fill(byId("views"), view("cases", "Cases"), view("requirements", "Requirements"), view("behaviour", `Behaviour ${seen ? `(${seen})` : ""}`));
    fill(byId("chips"), kinds.filter(([kind]) => counts.get(kind) || ["fail", "error", "pass", "skip"].includes(kind)).map(([kind, word, , about]) => make("button", {
      type: "button", class: `chip ${kind}`, "data-kind": kind, title: about, disabled: !counts.get(kind), onclick: () => {
        const next = new Set(state.kinds);
        if (!next.delete(kind)) next.add(kind);
        go({ view: "cases", kinds: next });
      } }, make("b", {}, counts.get(kind).toLocaleString("en")), word)));
    const options = (name, values) => [make("option", { value: "" }, name), ...values.map((it) => make("option", { value: it }, it))];
    fill(byId("requirement"), options("Any requirement", summary.requirements.map((it) => it.id)));
    fill(byId("tag"), options("Any tag", Array.from(new Set(cases.flatMap((it) => list(it.tags)))).sort()));
    byId("requirement").addEventListener("change", (event) => go({ view: "cases", requirement: event.target.value }));
    byId("tag").addEventListener("change", (event) => go({ view: "cases", tag: event.target.value }));
    byId("search").addEventListener("input", (event) => go({ view: "cases", q: event.target.value }));
  };

  /* The list builds the rows that can be seen, and no others. */
  const ROW = 42;
  let found = [];
  const search = () => {
    const asked = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    found = ordered.filter((it) => (!state.kinds.size || Array.from(state.kinds).some((kind) => it.is.has(kind)))
      && (!state.requirement || list(it.requirements).includes(state.requirement) || it.broken.has(state.requirement))
      && (!state.tag || list(it.tags).includes(state.tag))
      && asked.every((word) => it.hay.includes(word)));
    byId("rows").style.height = `${found.length * ROW}px`;
  };
  const rows = () => {
    const box = byId("list");
    if (!found.length) {
      fill(byId("rows"), make("div", { class: "nothing" }, "No case fits. ", make("button", { type: "button", onclick: () => go(all) }, "Show all")));
      return;
    }
    const from = Math.max(0, Math.floor(box.scrollTop / ROW) - 8);
    const to = Math.min(found.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + 8);
    fill(byId("rows"), found.slice(from, to).map((it, at) => {
      const chosen = it.id === state.case;
      const row = make("div", { class: `row ${it.kind}`, role: "option", id: `row-${it.at}`, "data-id": it.id, "aria-selected": String(chosen), "aria-posinset": from + at + 1, "aria-setsize": found.length, title: it.title, onclick: () => choose(it) },
        make("span", { class: "glyph", "aria-label": words.get(it.kind) }, glyphs.get(it.kind)), make("span", { class: "title" }, it.title), make("span", { class: "time" }, it.verdict === "skip" ? "" : spoken(it.duration_ms)), make("span", { class: "id mono" }, make("bdi", {}, it.id)));
      row.style.top = `${(from + at) * ROW}px`;
      return row;
    }));
    const chosen = found.find((it) => it.id === state.case);
    if (chosen) box.setAttribute("aria-activedescendant", `row-${chosen.at}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const reveal = () => {
    const at = found.findIndex((it) => it.id === state.case);
    const box = byId("list");
    if (at < 0) return;
    if (at * ROW < box.scrollTop) box.scrollTop = at * ROW;
    else if ((at + 1) * ROW > box.scrollTop + box.clientHeight) box.scrollTop = (at + 1) * ROW - box.clientHeight;
  };
  const choose = (it) => go({ view: "cases", case: it.id });
  const step = (by) => {
    if (!found.length) return;
    const at = found.findIndex((it) => it.id === state.case);
    choose(found[at < 0 ? 0 : Math.min(found.length - 1, Math.max(0, at + by))]);
  };

  /* Differences: the longest common run of parts, where there are not too many. */
  const differ = (one, other) => {
    const out = [];
    let begin = 0, end = 0;
    while (begin < one.length && begin < other.length && one[begin] === other[begin]) begin++;
    while (end < one.length - begin && end < other.length - begin && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
    const a = one.slice(begin, one.length - end), b = other.slice(begin, other.length - end);
    one.slice(0, begin).forEach((it) => out.push([" ", it]));
    if (a.length * b.length > 250000) {
      a.forEach((it) => out.push(["-", it]));
      b.forEach((it) => out.push(["+", it]));
    } else {
      const best = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
      for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
      let i = 0, j = 0;
      while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) { out.push([" ", a[i++]]); j++; }
        else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) out.push(["-", a[i++]]);
        else out.push(["+", b[j++]]);
      }
    }
    one.slice(one.length - end).forEach((it) => out.push([" ", it]));
    return out;
  };
  const lines = (before, after) => {
    const parts = differ(before.split("\n"), after.split("\n"));
    const near = (at) => parts.slice(Math.max(0, at - 3), at + 4).some(([sign]) => sign !== " ");
    const out = [];
    let gap = 0;
    const close = () => { if (gap) out.push(make("div", { class: "gap" }, `… ${many(gap, "line")} alike`)); gap = 0; };
    parts.forEach(([sign, text], at) => {
      if (sign === " " && !near(at)) { gap++; return; }
      close();
      out.push(make("div", { class: sign === "+" ? "in" : sign === "-" ? "out" : "" }, `${sign} ${text}`));
    });
    close();
    return make("div", { class: "diff" }, out);
  };
  const pair = (expected, actual) => {
    const parts = differ(expected.match(/\w+|\s+|[^\w\s]/gu) || [], actual.match(/\w+|\s+|[^\w\s]/gu) || []);
    const alike = parts.filter(([sign]) => sign === " ").length > parts.length / 3;
    const side = (sign, name) => alike ? parts.filter(([own]) => own === " " || own === sign).map(([own, text]) => (own === " " ? shown(text) : make(name, {}, text))) : [make(name, {}, sign === "-" ? expected : actual)];
    return make("div", { class: "pair" }, make("div", {}, make("h4", {}, "expected"), make("pre", {}, side("-", "del"))), make("div", {}, make("h4", {}, "came"), make("pre", {}, side("+", "ins"))));
  };

  /* JSON with one member a line and otherwise exactly as it was sent: numbers, repeated keys and escapes stay. */
  const pretty = (text) => {
    try { JSON.parse(text); } catch { return text; }
    const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) || [];
    let out = "", depth = 0;
    tokens.forEach((token, at) => {
      const turn = () => `\n${"  ".repeat(depth)}`;
      if (token === "{" || token === "[") {
        depth++;
        out += token + (/[}\]]/.test(tokens[at + 1]) ? "" : turn());
      } else if (token === "}" || token === "]") {
        depth--;
        out += (/[{[]/.test(tokens[at - 1]) ? "" : turn()) + token;
      } else if (token === ",") out += `,${turn()}`;
      else out += token === ":" ? ": " : token;
    });
    return out;
  };
  const bodyText = (body) => {
    if (!body) return "";
    const rest = body.sha256 ? `\n… ${body.bytes.toLocaleString("en")} bytes in all, SHA-256 ${body.sha256}` : "";
    return (body.text !== undefined ? pretty(body.text) : `base64 ${body.base64 || ""}`) + rest;
  };

  const copy = (text) => make("button", { class: "copy", type: "button", onclick: async (event) => {
    const button = event.target;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const box = make("textarea", {}, "");
      box.value = text;
      document.body.append(box);
      box.select();
      document.execCommand("copy");
      box.remove();
    }
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  } }, "copy");

  const yaml = (text) => make("pre", { class: "code" }, text.split("\n").map((line) => {
    const cut = /^(\s*(?:- )*)([\w"'.-]+:)(?=\s|$)(.*)$/.exec(line);
    if (/^\s*#/.test(line)) return make("span", { class: "y-note" }, `${line}\n`);
    return cut ? [shown(cut[1]), make("span", { class: "y-key" }, cut[2]), shown(`${cut[3]}\n`)] : shown(`${line}\n`);
  }));

  const phases = { set_up: "set-up", before: "before", act: "act", aftermath: "aftermath", clean_up: "clean-up" };
  const path = (url) => (url.startsWith(run.endpoint) ? url.slice(run.endpoint.length) || "/" : url);
  const headers = (fields) => make("dl", { class: "headers" }, fields.map(([name, value]) => [make("dt", {}, `${name}: `), make("dd", {}, value)]));
  const wire = (it) => {
    const half = (title, fields, body, empty) => make("div", {}, make("h4", {}, title), headers(fields), body ? make("pre", { class: "code wrap" }, bodyText(body)) : make("span", { class: "faint" }, empty));
    const answer = it.response ? half(`answer ${it.response.status}`, it.response.headers, it.response.body, "no content") : make("div", {}, make("h4", {}, "no answer"), make("p", { class: "reason error" }, it.error ? it.error.text : ""));
    return make("div", { class: "wire" }, make("div", { class: "two" }, half(`${it.method} ${path(it.url)}`, it.headers, it.body, "no content"), answer),
      make("div", {}, make("h4", {}, "to repeat it", copy(it.curl)), make("pre", { class: "code wrap" }, it.curl)));
  };
  const waterfall = (it, exchanges) => {
    const begin = Math.min(moment(it.started), ...exchanges.map((one) => moment(one.started)));
    const span = Math.max(...exchanges.map((one) => moment(one.started) + one.duration_ms - begin), 1);
    const shows = new Set(list(it.findings).map((finding) => finding.exchange));
    return make("div", { class: "falls" }, exchanges.map((one, at) => {
      const mark = make("i", { class: one.phase === "act" ? "act" : "" });
      mark.style.left = `${Math.min(99.5, ((moment(one.started) - begin) / span) * 100)}%`;
      mark.style.width = `${Math.max(0.5, (one.duration_ms / span) * 100)}%`;
      const status = one.response ? one.response.status : one.error.kind.replace("_", " ");
      const tone = !one.response || one.response.status >= 500 ? "error" : one.response.status >= 400 ? "warned" : "pass";
      const fall = make("details", { class: `fall ${shows.has(at) ? "shows" : ""}`, id: `exchange-${it.at}-${at}` }, make("summary", {}, make("span", { class: "phase" }, phases[one.phase]), make("span", { class: "method" }, one.method), make("span", { class: "path", title: one.url }, path(one.url)), make("span", { class: `status ${tone}` }, status), make("span", { class: "track" }, mark), make("span", { class: "time" }, spoken(one.duration_ms))));
      const build = () => { if (fall.children.length === 1) fall.append(wire(one)); };
      fall.addEventListener("toggle", () => { if (fall.open) build(); });
      if (shows.has(at)) { build(); fall.open = true; }
      return fall;
    }));
  };
  const aftermath = (exchanges) => {
    const last = (phase) => new Map(exchanges.filter((one) => one.phase === phase && one.method === "GET").map((one) => [one.url, one]));
    const before = last("before"), after = last("aftermath");
    const text = (one) => (one.response ? `${one.response.status}\n${bodyText(one.response.body)}` : one.error.text);
    return Array.from(before.keys()).filter((url) => after.has(url)).map((url) => {
      const was = text(before.get(url)), is = text(after.get(url)), same = was === is;
      return make("details", { class: "object", open: !same }, make("summary", {}, make("span", { class: "mono" }, path(url)), " ", same ? make("span", { class: "same" }, "reads as before") : make("span", { class: "changed" }, "reads otherwise")), same ? make("pre", { class: "code" }, is) : lines(was, is));
    });
  };
  const exchangesOf = (it) => {
    const element = wires.get(it.at);
    return element ? read(element) : [];
  };
  const block = (title, note, ...children) => make("section", { class: "block" }, make("h3", {}, title, note ? make("span", { class: "faint" }, note) : ""), children);
  const build = (it) => {
    const exchanges = exchangesOf(it);
    const out = [make("h2", {}, it.title),
      make("div", { class: "meta" }, make("span", { class: `badge ${it.kind}` }, `${glyphs.get(it.kind)} ${words.get(it.kind)}`), it.verdict !== "skip" && make("span", {}, `${spoken(it.duration_ms)}, ${many(it.requests, "request")}`), make("span", { class: "mono" }, `${it.location.file}:${it.location.line}`), list(it.tags).length ? make("span", {}, `tags ${it.tags.join(", ")}`) : "", make("span", { class: "mono faint" }, it.id), copy(it.id))];
    if (it.reason) out.push(make("p", { class: `reason ${it.kind}` }, it.reason));
    if (it.why) out.push(make("p", { class: "soft" }, `Generated: ${it.why}`));
    const findings = list(it.findings);
    if (findings.length) out.push(block(findings.length === 1 ? "What is wrong" : `What is wrong, ${many(findings.length, "finding")}`, "", findings.slice(0, 50).map((finding) => make("div", { class: "finding" },
      make("header", {}, make("b", {}, finding.check), list(finding.requirements).length ? make("span", {}, `${finding.requirements.join(", ")} ${finding.level}`) : "", finding.exchange !== undefined && exchanges[finding.exchange] ? make("button", { type: "button", class: "link", onclick: () => { const to = byId(`exchange-${it.at}-${finding.exchange}`); to.open = true; to.scrollIntoView({ block: "nearest" }); } }, `exchange ${finding.exchange + 1}`) : "", make("span", { class: "at mono" }, `${finding.location.file}:${finding.location.line}`)),
      pair(finding.expected, finding.actual))), findings.length > 50 ? make("p", { class: "soft" }, `and ${findings.length - 50} more`) : ""));
    const ids = Array.from(new Set([...it.broken, ...list(it.requirements)]));
    if (ids.length) out.push(block("Requirements", "", make("ul", { class: "clauses" }, ids.map((id) => {
      const known = requirements.get(id);
      return make("li", {}, linkTo({ requirement: id, case: it.id }, make("span", { class: "mono" }, id)), make("span", { class: "level" }, known ? known.level.replace("_", " ") : "unknown"), make("span", {}, known ? known.text : "", " ", make("span", { class: "source" }, known ? known.source : "", list(it.not_judged).includes(id) ? ", not judged here" : "")));
    }))));
    const text = written.get(place(it.location));
    if (text) out.push(block("Given, when, then", `${it.location.file}:${it.location.line}`, yaml(text)));
    const left = aftermath(exchanges);
    if (left.length) out.push(block("Aftermath", "each object before the act and after it", left));
    if (exchanges.length) out.push(block("Exchanges", `${many(exchanges.length, "request")}; open one to see what went over the wire`, waterfall(it, exchanges)));
    else if (it.verdict !== "skip") out.push(block("Exchanges", "not kept: nothing about this case is out of the ordinary"));
    const leaked = list(it.leaked);
    if (leaked.length) out.push(block("Left on the endpoint", "", make("ul", {}, leaked.map((leak) => make("li", {}, make("span", { class: "mono" }, `${leak.resource} ${leak.id}`), ` ${leak.why}`)))));
    const seen = list(it.observations);
    if (seen.length) out.push(block("Observed, not judged", "", make("ul", {}, seen.map((it) => make("li", {}, make("b", {}, it.name), `: ${it.value}`)))));
    if (it.reproducer) out.push(make("section", { class: "block" }, make("h3", {}, "A scenario that shows it", copy(it.reproducer)), yaml(it.reproducer)));
    return out;
  };

  let built;
  const detail = () => {
    const it = cases.find((one) => one.id === state.case);
    if (built === state.case && it) return;
    built = state.case;
    fill(byId("detail"), it ? build(it) : [make("p", { class: "nothing" }, state.case ? `This report has no case ${state.case}.` : "Choose a case to see what was asked, what came, and what it left behind.")]);
    byId("detail").scrollTop = 0;
  };

  /* The other two sheets. */
  const requirementSheet = () => {
    const cell = (it) => {
      const mix = mixOf.get(it.id) || {};
      return Object.entries(mix).map(([kind, count]) => `${count} ${words.get(kind)}`).join(", ") || it.untested || "no case shows it";
    };
    fill(byId("sheet-requirements"), make("div", { class: "scroll" }, make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ["Requirement", "Level", "Result", "Text", "Cases", "Source"].map((name, at) => make("th", { class: at < 3 ? "tight" : "" }, name)))), make("tbody", {}, summary.requirements.map((it) => make("tr", {}, make("td", { class: "tight" }, linkTo({ requirement: it.id }, make("span", { class: "mono" }, it.id))), make("td", { class: "tight" }, it.level.replace("_", " ")), make("td", { class: "tight" }, make("span", { class: `badge ${it.verdict || "none"}` }, it.verdict ? words.get(it.verdict) : "not shown")), make("td", {}, it.text), make("td", {}, cell(it)), make("td", { class: "faint" }, it.source)))))));
  };
  const behaviourSheet = () => {
    const seen = new Map();
    for (const it of cases) for (const one of list(it.observations)) {
      const key = JSON.stringify([list(one.requirements), one.name, one.value]);
      const row = seen.get(key) || { ...one, cases: [] };
      seen.set(key, row);
      row.cases.push(it);
    }
    const table = Array.from(seen.values()).map((row) => make("tr", {}, make("td", { class: "tight mono" }, list(row.requirements).join(", ")), make("td", {}, row.name), make("td", {}, make("b", {}, row.value)), make("td", {}, row.cases.slice(0, 3).map((it, at) => [at ? ", " : "", linkTo({ case: it.id }, it.title)]), row.cases.length > 3 ? `, and ${row.cases.length - 3} more` : "")));
    fill(byId("sheet-behaviour"), make("p", { class: "intro" }, "What this endpoint does where the contract is silent. It is recorded, never judged; two vendors may differ here and both be right."), table.length ? make("div", { class: "scroll" }, make("table", { class: "plain" }, make("thead", {}, make("tr", {}, ["Requirement", "What was looked at", "What was seen", "By"].map((name) => make("th", {}, name)))), make("tbody", {}, table))) : make("p", { class: "nothing" }, "Nothing was observed."));
  };

  let drawn = {};
  const show = () => {
    byId("search").value === state.q || (byId("search").value = state.q);
    byId("requirement").value = state.requirement;
    byId("tag").value = state.tag;
    for (const chip of byId("chips").children) chip.setAttribute("aria-pressed", String(state.kinds.has(chip.dataset.kind)));
    for (const tile of document.querySelectorAll(".tile")) tile.setAttribute("aria-pressed", String(tile.dataset.requirement === state.requirement));
    for (const tab of byId("views").children) tab.setAttribute("aria-selected", String(tab.dataset.view === state.view));
    byId("desk").classList.toggle("hidden", state.view !== "cases");
    for (const [view, draw] of [["requirements", requirementSheet], ["behaviour", behaviourSheet]]) {
      byId(`sheet-${view}`).classList.toggle("hidden", state.view !== view);
      if (state.view === view && !drawn[view]) { draw(); drawn[view] = true; }
    }
    search();
    detail();
    reveal();
    rows();
  };

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape") { event.target.blur(); go(all); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    const inList = event.target === byId("list");
    if (event.key === "/") byId("search").focus();
    else if (event.key === "j" || (inList && event.key === "ArrowDown")) step(1);
    else if (event.key === "k" || (inList && event.key === "ArrowUp")) step(-1);
    else if (event.key === "f") go({ view: "cases", kinds: state.kinds.size ? new Set() : new Set(["fail", "error", "leaked"].filter((kind) => counts.get(kind))) });
    else if (inList && event.key === "Enter") byId("detail").focus();
    else return;
    event.preventDefault();
  });
  byId("list").addEventListener("scroll", rows, { passive: true });
  addEventListener("resize", rows);
  const follow = () => {
    load();
    show();
    if (state.case && !document.hidden) byId("desk").scrollIntoView({ block: "nearest" });
  };
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => {
    const wanted = ordered.filter((it) => !["pass", "skip"].includes(it.kind)).slice(0, 200);
    fill(byId("paper"), wanted.map((it) => make("article", {}, make("div", { class: "detail" }, build(it)))));
  });
  addEventListener("afterprint", () => fill(byId("paper")));

  first();
  broken();
  map();
  bar();
  load();
  if (!location.hash && found.length === 0) {
    const one = ordered[0];
    if (one && one.kind !== "pass" && one.kind !== "skip") state.case = one.id;
  }
  show();
  if (location.hash && state.case) byId("desk").scrollIntoView({ block: "start" });
})();
