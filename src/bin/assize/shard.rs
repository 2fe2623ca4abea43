//! Which part of the cases is asked for: by the command line, or by the CI system through the environment.

use std::fmt::Write as _;

use anyhow::bail;
use assize::plan::Shard;

use crate::args;

/// How a system tells a job which of several it is: a variable with its number, the number of the first, and a
/// variable with how many there are.
const SYSTEMS: [(&str, &str, u32, &str); 8] = [
    ("GitLab", "CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),
    ("CircleCI", "CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL"),
    (
        "Buildkite",
        "BUILDKITE_PARALLEL_JOB",
        0,
        "BUILDKITE_PARALLEL_JOB_COUNT",
    ),
    ("Semaphore", "SEMAPHORE_JOB_INDEX", 1, "SEMAPHORE_JOB_COUNT"),
    (
        "Azure Pipelines",
        "SYSTEM_JOBPOSITIONINPHASE",
        1,
        "SYSTEM_TOTALJOBSINPHASE",
    ),
    (
        "Cloud Run",
        "CLOUD_RUN_TASK_INDEX",
        0,
        "CLOUD_RUN_TASK_COUNT",
    ),
    (
        "AWS Batch",
        "AWS_BATCH_JOB_ARRAY_INDEX",
        0,
        "AWS_BATCH_JOB_ARRAY_SIZE",
    ),
    ("Kubernetes", "JOB_COMPLETION_INDEX", 0, "ASSIZE_SHARDS"),
];

/// The shard that is asked for, if any is.
pub(crate) fn asked(arguments: &args::Shard) -> anyhow::Result<Option<Shard>> {
    match arguments.shard.as_deref().map(str::trim) {
        None | Some("") => Ok(None),
        Some("auto") => auto(|name| std::env::var(name).ok()).map(Some),
        Some(text) => Ok(Some(text.parse()?)),
    }
}

/// The shard by what the environment says: of the first system that says anything.
fn auto(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Shard> {
    let get = |name| get(name).filter(|value| !value.trim().is_empty());
    for (system, index, first, total) in SYSTEMS {
        let (number, of) = match (get(index), get(total)) {
            (Some(number), Some(of)) => (number, of),
            (Some(_), None) => bail!(
                "{system} says in {index} which job this is, and {total} does not say how many there are; set it, or write --shard K/N"
            ),
            // A total alone says nothing: GitLab sets it for every job.
            (None, _) => continue,
        };
        let numbers: (Option<u32>, Option<u32>) =
            (number.trim().parse().ok(), of.trim().parse().ok());
        let (Some(number), Some(of)) = numbers else {
            bail!("{index}={number} and {total}={of} are no numbers of a job; write --shard K/N");
        };
        let shard = (number.checked_sub(first))
            .and_then(|from_zero| from_zero.checked_add(1))
            .and_then(|number| Shard::new(number, of).ok());
        return match shard {
            Some(shard) => Ok(shard),
            None => bail!(
                "{index}={number} is no job of {total}={of}, with the first numbered {first} as {system} does; write --shard K/N"
            ),
        };
    }
    let mut text = String::from(
        "--shard auto finds no number of a job in the environment; write --shard K/N. It knows:",
    );
    for (system, index, _, total) in SYSTEMS {
        let _ = write!(text, "\n  {index} and {total} ({system})");
    }
    bail!(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)]) -> Result<String, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        auto(get)
            .map(|shard| shard.to_string())
            .map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn each_system_counts_in_its_own_way() {
        for (system, index, first, total) in SYSTEMS {
            for (number, shard) in [(first, "1/3"), (first + 2, "3/3")] {
                let variables = [(index, &*number.to_string()), (total, "3")];
                assert_eq!(told(&variables).unwrap(), shard, "{system}");
            }
            let beyond = (first + 3).to_string();
            let wrong = told(&[(index, &beyond), (total, "3")]).unwrap_err();
            assert!(
                wrong.contains(&format!("{index}={beyond} is no job")),
                "{wrong}"
            );
            let wrong = told(&[(index, "1")]).unwrap_err();
            assert!(wrong.contains(&format!("{total} does not say")), "{wrong}");
        }
        // One that counts from 0 where GitLab counts from 1 is found out at its first job.
        let wrong = told(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")]).unwrap_err();
        assert!(wrong.contains("numbered 1 as GitLab does"), "{wrong}");
    }

    #[test]
    fn the_table_in_the_documentation_is_this_one() {
        let document = include_str!("../../../docs/ci.md");
        for (system, index, first, total) in SYSTEMS {
            let row = format!("| {system} | `{index}`, from {first} | `{total}`");
            assert!(document.contains(&row), "{row}");
        }
    }

    #[test]
    fn an_environment_that_says_nothing_is_told_with_what_is_known() {
        for variables in [
            &[][..],
            &[("CI_NODE_TOTAL", "3")],
            &[("CI_NODE_INDEX", " ")],
        ] {
            let wrong = told(variables).unwrap_err();
            assert!(
                wrong.contains("JOB_COMPLETION_INDEX and ASSIZE_SHARDS"),
                "{wrong}"
            );
        }
        let wrong = told(&[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "3")]).unwrap_err();
        assert!(wrong.contains("are no numbers"), "{wrong}");
    }
}
