"""What the calculator is filled with: codes that can be typed, and a case of the files as if it had been typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.analysis.real_case import real_case
from core.analysis.typed_codes import typed_codes
from core.faults import Refused
from core.intake.load import import_file
from core.storage.workspace import Workspace

CASES = """setl_id,insutype,fixmedins_code,dscg_time,setl_time,diag_code,diag_name,oth_diag_codes,oprn_code,oth_oprn_codes,medfee_sumamt,fund_pay_sumamt,hifp_pay,psn_part_amt,age,nwb_bir_wt,gend,act_ipt_days,dip_dise_grp_code
A1,310,H1,2024-03-01,2024-03-01,K35.300,急性阑尾炎,I10.x00|E78.500,47.0100,,9000.50,6000,5500,3000.50,40,,1,6,K35.3:47.0100
A2,390,H1,2024-03-02,2024-03-02,K35.300,急性阑尾炎,,,,100,60,60,40,,"2300,2400",2,1,
A3,390,H2,2024-03-02,2024-03-02,J18.900,肺炎,,,,100,60,60,40,,2300,2,,
"""
DIAGNOSES = """setl_id,diag_code,diag_name,maindiag_flag,diag_type
A3,J18.901,重症肺炎,0,1
A3,J15.900,细菌性肺炎,1,1
A3,B001,风温肺热病,0,2
"""
OPERATIONS = """setl_id,oprn_oprt_code,oprn_oprt_name,oprn_oprt_type
A3,96.7101,有创呼吸机,2
A3,31.1x00,气管切开,1
"""
INSTITUTIONS = "fixmedins_code,fixmedins_name,hosp_lv\nH1,第一医院,2\nH2,第二医院,5\n"


@pytest.fixture
def workspace(tmp_path: Path):
    with Workspace.create(tmp_path / "w.dianzhi", region="350900") as workspace:
        for kind, text in (
            ("institutions", INSTITUTIONS), ("cases", CASES), ("diagnoses", DIAGNOSES), ("operations_done", OPERATIONS),
        ):
            path = tmp_path / f"{kind}.csv"
            path.write_text(text, "utf-8")
            receipt = import_file(workspace, kind, path)
            assert not receipt.refused, receipt.findings
        yield workspace


def test_a_case_as_its_row_has_it(workspace) -> None:
    found = real_case(workspace, "A1")
    case = found.case
    assert (found.year, found.fund, found.institution, found.group) == (2024, "employee", "H1", "K35.3:47.0100")
    assert (case.diagnosis, case.other_diagnoses, case.operations) == ("K35.300", ("I10.x00", "E78.500"), ("47.0100",))
    assert (case.fee, case.booked, case.own_pay, case.other_pay) == (900_050, 550_000, 300_050, 50_000)
    assert (case.age, case.gender, case.days, case.day) == (40, 1, 6, 20240301)
    assert case.birth_weight is None


def test_the_platforms_lists_win_and_the_main_ones_come_first(workspace) -> None:
    case = real_case(workspace, "A3").case
    assert case.diagnosis == "J15.900"
    assert case.other_diagnoses == ("J18.901",), "a diagnosis of Chinese medicine takes no part"
    assert case.operations == ("31.1x00", "96.7101")
    assert (case.birth_weight, case.days) == (2300, None)


def test_twins_have_no_birth_weight_and_strangers_are_refused(workspace) -> None:
    assert real_case(workspace, "A2").case.birth_weight is None
    with pytest.raises(Refused) as refused:
        real_case(workspace, "A9")
    assert refused.value.code == "case_unknown"


def test_the_usual_codes_come_first_with_their_names(workspace) -> None:
    known = typed_codes(workspace, 2024)
    assert [(one.code, one.name) for one in known.diagnoses] == [
        ("K35.300", "急性阑尾炎"), ("J15.900", "细菌性肺炎"), ("J18.900", "肺炎"), ("J18.901", "重症肺炎"),
    ], "diagnoses of Chinese medicine group nothing"
    assert ("31.1x00", "气管切开") in [(one.code, one.name) for one in known.operations]
    assert [one.name for one in known.institutions] == ["第一医院", "第二医院"]
    assert typed_codes(workspace, 2019).diagnoses, "another year knows them too, from the platform's lists"
