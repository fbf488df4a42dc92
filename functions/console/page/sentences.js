// What the API says in English, in Chinese: by the sentence itself, so that one that was changed is shown as it is.

export const SENTENCES = {
  // ---- what to do about an incident
  "Have the registry endorse the bill, then replay the discount.": "请登记机构完成背书，然后重放该笔贴现。",
  "Have the right account sent, let two persons approve a repayment, replay.":
    "请对方提供正确账户，由两人批准重新付款，然后重放。",
  "Claim the money back from the payee; its return resolves this.": "向收款人追回款项；款项退回后本事件自动结案。",
  "Compare the bank's statement with the payment's record; correct what is wrong.":
    "核对银行流水与付款记录，更正有误的一方。",
  "Find the account's missing or foreign posting; correct it by an entry of its own.":
    "查找该账户缺失或不属于它的记账，另作一笔分录更正。",
  "Restore the event as the log has it, from the newest backup that still agrees.":
    "从仍与日志一致的最新备份恢复该事件。",
  "Find whose leaf it is in the staged batches; restore the record that is gone.":
    "在暂存批次中查明该条目的归属，恢复缺失的记录。",
  "Read what the sweeper says of it, mend the cause; the next sweep logs it.":
    "查看清扫任务的说明并消除原因；下一次清扫会将其写入日志。",
  "Compare the log with what the witness holds; whichever was altered or restored is set right from a mirror.":
    "比对日志与见证人所持内容；被改动或恢复过的一方依镜像更正。",
  "Tell the witness's owner what it said: restore its table, or set its clock.":
    "将见证人的答复告知其所有者：恢复其数据表，或校正其时钟。",
  "Answer the complaint; its answer resolves this.": "答复该投诉；答复后本事件自动结案。",
  "Read the error of its execution, mend the cause, then replay the discount.":
    "查看其执行的错误，消除原因，然后重放该笔贴现。",
  "Read the month's report and the company's discounts; release it if it is restricted without need, settle this.":
    "查看当月报告及该企业的贴现；若无需限制则予以解除，然后结案。",
  "Do what docs/operations/audit.md says of the finding; settle this with what it was.":
    "按 docs/operations/audit.md 对该发现的说明处理，并以查明的情况结案。",
  "Read the day's actions in the audit's report; settle this if you did none of them.":
    "查看审计报告中当日的操作；其中没有您本人的操作时方可结案。",
  "Read who could write to the vault; its versions still hold the object. Run the backup again, then the drill.":
    "查明谁能写入备份库；其历史版本仍保有该对象。重新运行备份，再运行恢复演练。",
  "Read the drill's report; look whether the platform's own records break the same.":
    "查看演练报告，核实平台自身的记录是否有同样的问题。",
  "Look at the registry whether the range is free; have the application withdrawn if not.":
    "到登记机构核实该区间是否已解除；如仍锁定，请其撤回申请。",
  "Have the bank pay it, let two persons enter `paid`, settle this.":
    "请银行付款，由两人登记 paid，然后结案。",
  "Do it, and record it with its report's SHA-256; the record resolves this.":
    "完成该事项，并以报告的 SHA-256 登记；登记后本事件自动结案。",
  "Look at the domain; report a site that imitates ours to CNCERT and its registrar, note each step, settle this.":
    "查看该域名；如有仿冒网站，向 CNCERT 及注册商举报，逐步记录，然后结案。",
  "Mend it; another person than who recorded it closes the finding and resolves this.":
    "完成整改；由登记人以外的另一人关闭该发现，本事件随之结案。",
  "Read in the drill's report which objective it missed: see that backups are made daily, or why it took so long.":
    "查看演练报告未达的是哪项目标：核实备份是否每日进行，或恢复为何过久。",
  "Go through the restore's list: have partners send again, settle what the bank paid.":
    "逐项处理恢复清单：请合作方重新提交，核销银行已付的款项。",
  // ---- what to do about an execution
  "Business with one of its parties is suspended; it goes on by itself once that is resumed.":
    "其中一方的业务已暂停；解除后自动继续。",
  "Its execution was not begun; replay it.": "其执行尚未开始；请重放。",
  "Its execution runs: read which step it repeats and why, mend that, and it goes on by itself.":
    "正在执行：查看其反复执行的步骤及原因，消除后自动继续。",
  "Mend what its execution's error names, then replay it.": "消除其执行错误所指的问题，然后重放。",
  "Its execution ended before everything was logged and told; replay it.": "执行结束时尚未全部入日志并通知；请重放。",
  // ---- what jobs are for
  "Compare our books, the bank's statements and the bill registry (三方对账).":
    "核对账簿、银行流水与票据登记（三方对账）。",
  "Check the whole evidence log, receipts from scratch, what operators did, and privileges.":
    "检查整个证据日志、重新核验收据、审查人员操作与权限。",
  "Look at each enterprise's month against its own history and the risk rules (每月回溯).":
    "对照历史与风险规则回溯每家企业上月的业务（每月回溯）。",
  "Copy tables, contracts and the log's tiles to the second region, with a signed manifest.":
    "将数据表、合同与日志文件复制到第二区域，并附签名清单。",
  "Restore the newest backup into scratch tables and hold it against what was promised (恢复演练).":
    "将最新备份恢复到临时表，并对照承诺逐项核验（恢复演练）。",
};
