"""Every rule of the source check fires on a bad sample and keeps silent on a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_sources

HEAD = "# pragma version ==0.4.3\n# pragma nonreentrancy on\n"
MODULE_HEAD = "# pragma version ==0.4.3\n"
CONTRACT = "contracts/Sample.vy"
MODULE = "contracts/modules/sample.vy"
MOCK = "contracts/mocks/Sample.vy"

STATE = """
struct Pair:
    a: int256
    b: uint256

flag Mode:
    OPEN
    SHUT

event Moved:
    a: uint256
    b: uint256

interface Peer:
    def read() -> uint256: view
    def write(amount: uint256) -> uint256: nonpayable

x: uint256
signed: HashMap[address, int256]
peer: Peer

@internal
@pure
def _pure(a: uint256) -> uint256:
    return a

@internal
@view
def _read() -> uint256:
    return self.x

@internal
def _write(a: uint256) -> uint256:
    self.x = a
    return a
"""


def body(*lines: str) -> str:
    """A contract with state whose one internal function has these lines."""
    head = (
        "\n@internal\ndef _sample(a: uint256, n: int256, many: DynArray[uint256, 3], pair: Pair):\n"
    )
    return HEAD + STATE + head + "".join(f"    {line}\n" for line in lines)


def findings(root: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    """(rule, path:line) of every finding over these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    split = [finding.split(": ", 2) for finding in check_sources.all_findings(root)]
    return [(parts[1], parts[0]) for parts in split]


def rules(root: Path, files: dict[str, str]) -> set[str]:
    return {name for name, _ in findings(root, files)}


NOTICE = '    """\n    @notice Do it.\n    """\n'

# rule, path of the file, its text
BAD: list[tuple[str, str, str]] = [
    ("encoding", CONTRACT, HEAD + "# na\u00efve\n"),
    ("encoding", CONTRACT, HEAD + "#\ttab\n"),
    ("encoding", CONTRACT, HEAD + "# feed\x0c\n"),
    ("encoding", CONTRACT, HEAD + "# line\u2028\n"),
    ("encoding", CONTRACT, "\ufeff" + HEAD),
    ("encoding", CONTRACT, HEAD.replace("\n", "\r\n")),
    ("encoding", MOCK, MODULE_HEAD + "# \u00e9\n"),
    ("syntax", CONTRACT, HEAD + "def def\n"),
    ("length", CONTRACT, HEAD + "#\n" * 599),
    ("length", "seawall/long.py", "\n" * 601),
    ("isolate", "tests/test_sample.py", "with chain." + "isolate():\n    pass\n"),
    ("pragma", CONTRACT, "# pragma version ==0.4.3\n\nx: uint256\n"),
    ("pragma", CONTRACT, "# pragma version ^0.4.0\n# pragma nonreentrancy on\n"),
    ("pragma", CONTRACT, "# pragma nonreentrancy on\n# pragma version ==0.4.3\n"),
    ("pragma", MODULE, MODULE_HEAD + "\n@external\ndef act():\n" + NOTICE + "    pass\n"),
    ("pragma", "interfaces/ISample.vyi", "\n"),
    ("experimental", CONTRACT, HEAD + "# pragma experimental-codegen\n"),
    ("raw-call", CONTRACT, body("raw_call(msg.sender, b'')")),
    ("raw-call", MODULE, body("ok: bool = raw_call(msg.sender, b'', revert_on_failure=False)")),
    ("blueprint", CONTRACT, body("b: address = create_from_blueprint(msg.sender, code_offset=a)")),
    (
        "contract-check",
        CONTRACT,
        body("b: uint256 = staticcall self.peer.read(skip_contract_check=True)"),
    ),
    ("decimal", CONTRACT, HEAD + "x: decimal\n"),
    ("decimal", CONTRACT, body("b: uint256 = floor(1.5)")),
    (
        "exports",
        CONTRACT,
        HEAD + "from snekmate.auth import ownable\nexports: ownable.__interface__\n",
    ),
    (
        "exports",
        CONTRACT,
        HEAD
        + "from snekmate.auth import ownable\nexports: (ownable.owner, ownable.__interface__)\n",
    ),
    ("order", CONTRACT, body("b: bool = self._read() < self._write(a)")),
    ("order", CONTRACT, body("b: bool = self._read() < self._read()")),
    ("order", CONTRACT, body("b: bool = self.x < (self._write(a) + 5)")),
    ("order", CONTRACT, body("b: uint256 = unsafe_add(self.x, self._write(10))")),
    ("order", CONTRACT, body("b: uint256 = max(self._read(), staticcall self.peer.read())")),
    ("order", CONTRACT, body("b: uint256 = min(self.x, extcall self.peer.write(1))")),
    ("order", CONTRACT, body("# words._join", "b: uint256 = self.x | self._write(1)")),
    ("order", CONTRACT, body("log Moved(a=self._write(1), b=self._read())")),
    ("order", CONTRACT, body("log Moved(a=self._write(1), b=self.x)")),
    ("order", CONTRACT, body("b: Pair = Pair(a=n, b=self._read() + self._write(a))")),
    ("ternary", CONTRACT, body("# words._join", "b: uint256 = (a | 1) if a > 0 else 2")),
    ("ternary", CONTRACT, body("b: uint256 = msg.value if a > 0 else 2")),
    ("ternary", CONTRACT, body("b: uint256 = len(msg.data) if a > 0 else 2")),
    ("ternary", CONTRACT, body("b: DynArray[uint256, 3] = many if a > 0 else []")),
    ("ternary", CONTRACT, body("b: DynArray[uint256, 3] = many if a > 0 else many")),
    ("ternary", CONTRACT, body("b: uint256[2] = [1, 2] if a > 0 else [3, 4]")),
    ("ternary", CONTRACT, body('b: String[3] = "yes" if a > 0 else "no"')),
    ("ternary", CONTRACT, body("b: Pair = pair if a > 0 else pair")),
    ("signed-division", CONTRACT, body("b: int256 = n // 2")),
    ("signed-division", CONTRACT, body("b: int256 = n % 2")),
    ("signed-division", CONTRACT, body("b: bool = n % 2 == 1")),
    ("signed-division", CONTRACT, body("b: bool = n // 2 == 0")),
    ("signed-division", CONTRACT, body("b: int256 = -n // 2")),
    ("signed-division", CONTRACT, body("b: int256 = convert(a, int256) // 2")),
    ("signed-division", CONTRACT, body("b: int256 = self.signed[msg.sender] // 2")),
    ("signed-division", CONTRACT, body("b: int256 = pair.a // 2")),
    ("signed-division", CONTRACT, body("b: int256 = (n * 3 + 1) // 2")),
    ("signed-division", CONTRACT, body("b: int256 = unsafe_div(n, 2)")),
    ("signed-division", CONTRACT, body("b: int256 = n", "b //= 2")),
    ("signed-division", CONTRACT, body("for k: int256 in range(3):", "    b: int256 = k // 2")),
    ("mask", CONTRACT, body("b: uint256 = a >> 3")),
    ("mask", CONTRACT, body("b: uint256 = a & 7")),
    ("mask", CONTRACT, body("b: uint256 = ~a")),
    ("mask", CONTRACT, body("b: uint256 = a", "b |= 7")),
    ("mask", CONTRACT, body("# words", "b: uint256 = a & 7")),
    ("mask", CONTRACT, body("# words._low", "b: uint256 = a", "b = b & 7")),
    ("natspec", CONTRACT, HEAD + "\n@external\ndef act():\n    pass\n"),
    (
        "natspec",
        CONTRACT,
        HEAD + '\n@external\ndef act():\n    """\n    Do it.\n    """\n    pass\n',
    ),
    ("error-text", CONTRACT, body('assert a > 0, "zero amount"')),
    ("error-text", CONTRACT, body('assert a > 0, "Margin: below initial"')),
    ("error-text", CONTRACT, body('assert a > 0, "margin: 9012345678901234567890123"')),
    ("error-text", CONTRACT, body('raise "no area"')),
    ("log-keywords", CONTRACT, body("log Moved(1, 2)")),
]

GOOD: list[tuple[str, str, str]] = [
    ("encoding", CONTRACT, HEAD + "# plain ~ text\n"),
    ("length", CONTRACT, HEAD + "#\n" * 598),
    ("isolate", "tests/test_sample.py", "state = chain.snapshot()\n"),
    ("pragma", CONTRACT, HEAD + "# pragma optimize codesize\n"),
    ("pragma", MODULE, MODULE_HEAD + "\n@internal\ndef _act():\n    pass\n"),
    ("pragma", MODULE, HEAD + "\n@external\ndef act():\n" + NOTICE + "    pass\n"),
    ("pragma", "interfaces/ISample.vyi", MODULE_HEAD),
    ("experimental", CONTRACT, HEAD + "# An experimental idea.\n"),
    ("raw-call", "contracts/modules/oracle_guard.vy", body("raw_call(msg.sender, b'')")),
    ("raw-call", "contracts/modules/token_utils.vy", body("raw_call(msg.sender, b'')")),
    ("raw-call", MOCK, body("raw_call(msg.sender, b'')")),
    ("blueprint", CONTRACT, body("b: address = create_from_blueprint(msg.sender, code_offset=3)")),
    ("contract-check", CONTRACT, body("b: uint256 = staticcall self.peer.read()")),
    ("decimal", CONTRACT, body("b: uint256 = a * 15 // 10")),
    (
        "exports",
        CONTRACT,
        HEAD + "from snekmate.auth import ownable\nexports: (ownable.owner,)\n",
    ),
    ("order", CONTRACT, body("b: bool = self._read() < a")),
    ("order", CONTRACT, body("b: bool = self._read() < self.x")),
    ("order", CONTRACT, body("b: bool = self._pure(1) < self._pure(2)")),
    ("order", CONTRACT, body("b: bool = self._pure(self._read()) < a")),
    ("order", CONTRACT, body("b: bool = self._write(self.x) < a")),
    ("order", CONTRACT, body("b: uint256 = self._read() + self._write(a)")),
    ("order", CONTRACT, body("b: uint256 = convert(self._write(a), uint256)")),
    ("order", CONTRACT, body("assert extcall self.peer.write(1) > 0")),
    ("order", CONTRACT, body("log Moved(a=a, b=self._read())")),
    ("order", CONTRACT, body("log Moved(a=self.x, b=self.x)")),
    ("ternary", CONTRACT, body("b: uint256 = a if a > 0 else 2")),
    ("ternary", CONTRACT, body("b: int256 = n if a > 0 else -n")),
    ("ternary", CONTRACT, body("b: uint256 = many[0] if a > 0 else pair.b")),
    ("signed-division", CONTRACT, body("b: uint256 = a // 2 + pair.b % 3")),
    ("signed-division", CONTRACT, body("b: uint256 = convert(n, uint256) // 2")),
    ("signed-division", CONTRACT, body("b: uint256 = unsafe_div(a, 2)")),
    ("signed-division", CONTRACT, body("assert n % 2 == 0")),
    ("signed-division", "contracts/modules/fixed_math.vy", body("b: int256 = n // 2")),
    ("mask", "contracts/modules/words.vy", body("b: uint256 = a >> 3")),
    ("mask", CONTRACT, body("b: uint256 = a >> 3 # words._high")),
    (
        "mask",
        CONTRACT,
        body("# words._high, words._low", "b: uint256 = a >> 3", "c: uint256 = a & 7"),
    ),
    ("mask", CONTRACT, body("mode: Mode = Mode.OPEN | Mode.SHUT")),
    ("natspec", CONTRACT, HEAD + "\n@external\ndef act():\n" + NOTICE + "    pass\n"),
    ("natspec", CONTRACT, HEAD + "\n@internal\ndef _act():\n    pass\n"),
    ("error-text", CONTRACT, body('assert a > 0, "margin: below initial"')),
    ("error-text", CONTRACT, body('assert a > 0, "margin: 901234567890123456789012"')),
    ("error-text", CONTRACT, body("assert a > 0")),
    ("error-text", CONTRACT, body("assert a > 0, UNREACHABLE")),
    ("log-keywords", CONTRACT, body("log Moved(a=1, b=2)")),
]


def labels(samples: list[tuple[str, str, str]]) -> list[str]:
    return [f"{name}-{number}" for number, (name, _, _) in enumerate(samples)]


@pytest.mark.parametrize(("name", "path", "text"), BAD, ids=labels(BAD))
def test_all_findings_bad_sample_reports_the_rule(
    tmp_path: Path, name: str, path: str, text: str
) -> None:
    assert name in rules(tmp_path, {path: text})


@pytest.mark.parametrize(("name", "path", "text"), GOOD, ids=labels(GOOD))
def test_all_findings_good_sample_is_silent(
    tmp_path: Path, name: str, path: str, text: str
) -> None:
    assert name not in rules(tmp_path, {path: text})


def test_all_findings_every_rule_has_a_bad_and_a_good_sample() -> None:
    known = {entry.name for entry in check_sources.RULES} | set(check_sources.FILE_RULES)
    assert {name for name, _, _ in BAD} == known
    # Any good sample that parses is one for the syntax.
    assert {name for name, _, _ in GOOD} | {"syntax"} == known


@pytest.mark.parametrize(("name", "path", "text"), GOOD, ids=labels(GOOD))
def test_all_findings_good_sample_parses(tmp_path: Path, name: str, path: str, text: str) -> None:
    assert "syntax" not in rules(tmp_path, {path: text})


def test_all_findings_gives_the_line(tmp_path: Path) -> None:
    text = HEAD + "\nx: uint256\n\n@internal\ndef _act():\n    assert self.x > 0, 'zero'\n"
    assert findings(tmp_path, {CONTRACT: text}) == [("error-text", f"{CONTRACT}:8")]


def test_all_findings_two_calls_of_a_module_are_resolved(tmp_path: Path) -> None:
    module = MODULE_HEAD + (
        "\nx: uint256\n"
        "\n@internal\n@pure\ndef _twice(a: uint256) -> uint256:\n    return a * 2\n"
        "\n@internal\ndef _bump() -> uint256:\n    self.x += 1\n    return self.x\n"
    )
    head = (
        HEAD
        + "from contracts.modules import sample\ninitializes: sample\n\n@internal\ndef _act():\n"
    )
    pure = head + "    a: bool = sample._twice(1) < sample._twice(2)\n"
    writing = head + "    a: bool = sample._twice(1) < sample._bump()\n"
    reading = head + "    a: bool = sample.x < sample._bump()\n"
    assert "order" not in rules(tmp_path, {MODULE: module, CONTRACT: pure})
    assert "order" in rules(tmp_path, {MODULE: module, CONTRACT: writing})
    assert "order" in rules(tmp_path, {MODULE: module, CONTRACT: reading})


def test_all_findings_signed_result_of_an_interface_is_resolved(tmp_path: Path) -> None:
    interface = MODULE_HEAD + "\n@external\n@view\ndef equity(a: uint256) -> int256:\n    ...\n"
    contract = HEAD + (
        "from interfaces import ISample\n\npeer: ISample\n\n@internal\n@view\ndef _act():\n"
        "    a: int256 = staticcall self.peer.equity(1) // 2\n"
    )
    files = {"interfaces/ISample.vyi": interface, CONTRACT: contract}
    assert "signed-division" in rules(tmp_path, files)


def test_all_findings_installed_folders_are_skipped(tmp_path: Path) -> None:
    long = "\n" * 601
    files = {".venv/a.py": long, "node_modules/a.py": long, "out/a.py": long}
    assert rules(tmp_path, files) == set()


def test_main_with_findings_prints_count_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings(tmp_path, {CONTRACT: "x: uint256\n"})
    assert check_sources.main(["--root", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "check_sources: 2 findings"


def test_main_without_findings_prints_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings(tmp_path, {CONTRACT: HEAD})
    assert check_sources.main(["--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("check_sources: OK (1 files")


def test_main_rules_lists_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_sources.main(["--rules"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert {entry.name for entry in check_sources.RULES} <= listed
