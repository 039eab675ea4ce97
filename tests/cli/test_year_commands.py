"""`year` and `bundle` as a script drives them: confirmed, refused with what to do, reopened; a bundle that its checker passes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from core import cli
from core.settlement import evidence

FILES = {
    "institutions": "fixmedins_code,fixmedins_name,hosp_lv\nH1,甲医院,2\n",
    "catalogue": "dip_code,dip_name,kind,score\nK35.3:g,阑尾炎,core,100\n",
    "coefficients": "fixmedins_code,fund,part,value\nH1,all,base,1.0\n",
    "budget": "year,fund,item,amount\n2024,employee,dip_budget,9000.00\n2024,employee,outside_card,0\n2024,employee,outside_manual,0\n",
    "cases": "setl_id,insutype,fixmedins_code,dscg_time,diag_code,medfee_sumamt,fund_pay_sumamt,hifp_pay,"
    "psn_part_amt,dip_dise_grp_code\n"
    "S1,310,H1,2024-02-01,K35.301,6000.00,4000.00,4000.00,2000.00,K35.3:g\n",
}


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def test_confirm_edit_reopen_and_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.dianzhi"
    assert run("new", path, "--region", "350900") == 0
    for kind, text in FILES.items():
        file = tmp_path / f"{kind}.csv"
        file.write_text(text, "utf-8")
        assert run("import", path, kind, file, "--year", "2024") == 0
    assert run("year", path, "confirm", "--year", "2024", "--lang", "en") == 1
    assert "Clear the year first" in capsys.readouterr().err
    assert run("clear", path, "--year", "2024", "--pack", "ningde-2024") == 0
    assert run("year", path, "confirm", "--lang", "en") == 2
    assert run("year", path, "confirm", "--year", "2024", "--why", "核对无误", "--lang", "en") == 0
    assert run("year", path, "list", "--lang", "en") == 0
    assert "核对无误" in capsys.readouterr().out
    (tmp_path / "more.csv").write_text(FILES["cases"].replace("S1,", "S2,"), "utf-8")
    assert run("import", path, "cases", tmp_path / "more.csv", "--lang", "zh") == 1
    assert "年度清算已确认" in capsys.readouterr().err
    assert run("bundle", path, "--year", "2024", "--out", tmp_path / "b.txt") == 2
    assert run("bundle", path, "--year", "2024", "--out", tmp_path / "b.zip", "--lang", "en") == 0
    assert evidence.seal_of(tmp_path / "b.zip") in capsys.readouterr().out
    check = runpy.run_path(str(evidence.CHECKER))["Check"]((tmp_path / "b.zip").read_bytes())
    check.run()
    assert check.wrong == []
    assert run("verify", path) == 0
    assert run("year", path, "reopen", "--year", "2024") == 1
    assert run("year", path, "reopen", "--year", "2024", "--why", "漏报") == 0
    assert run("import", path, "cases", tmp_path / "more.csv") == 0
