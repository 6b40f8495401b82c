// The words of notices in English and Ukrainian: a title a kind, a label a fact. Values go in as they are.

import type { NoticeKind } from "../core/notice.ts";

export type Language = "en" | "uk";

interface Texts {
  /** `{subject}` stands for what the notice is about. */
  readonly titles: Readonly<Record<NoticeKind, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** `{count}` notices in one message. */
  readonly digest: string;
  /** Lines that did not fit. */
  readonly more: string;
}

const en: Texts = {
  titles: {
    account_notice: "Account {subject} looks unusual",
    account_watch: "Account {subject} is under watch",
    account_high: "Account {subject} is very likely stolen",
    account_calm: "Account {subject} is calm again",
    account_contained: "Account {subject} is contained",
    account_released: "Account {subject} is released",
    watch_breaker: "Too many accounts at once: nobody more is put under watch",
    ban: "{subject} is banned",
    ban_leak: "{subject} is banned and still gets through",
    firewall_failing: "The firewall does not take the bans",
    logs_silent: "Postfix asks, and its log is silent",
    logs_failing: "No log is read: the store takes no writes",
    auth_down: "Nobody can log in: the password service does not answer",
    quota_stage: "{subject} has used most of a quota",
    test: "A test of Postvarta's notices: {subject}",
  },
  labels: {
    account: "Account",
    level: "Level",
    score: "Score",
    because: "Because",
    since: "Since",
    until: "Until",
    group: "Group",
    jail: "Jail",
    reason: "Reason",
    address: "Address",
    addresses: "Addresses",
    networks: "Networks",
    countries: "Countries",
    limit: "Limit",
    used: "Used",
    source: "Source",
    error: "Error",
    count: "Count",
    steps: "Done",
    next: "What to do",
    by: "By",
    node: "Node",
  },
  digest: "{count} notices",
  more: "… and {count} more: postvarta notices list",
};

const uk: Texts = {
  titles: {
    account_notice: "Обліковий запис {subject} поводиться незвично",
    account_watch: "Обліковий запис {subject} під наглядом",
    account_high: "Обліковий запис {subject} найімовірніше викрадено",
    account_calm: "Обліковий запис {subject} знову спокійний",
    account_contained: "Обліковий запис {subject} ізольовано",
    account_released: "Обліковий запис {subject} повернуто власникові",
    watch_breaker: "Забагато облікових записів одразу: під нагляд більше нікого не беремо",
    ban: "{subject} заблоковано",
    ban_leak: "{subject} заблоковано, але з'єднання проходять",
    firewall_failing: "Брандмауер не приймає блокувань",
    logs_silent: "Postfix ставить питання, а його журнал мовчить",
    logs_failing: "Журнали не читаються: сховище не приймає записів",
    auth_down: "Ніхто не може увійти: служба паролів не відповідає",
    quota_stage: "{subject} вичерпує квоту",
    test: "Перевірка сповіщень Postvarta: {subject}",
  },
  labels: {
    account: "Обліковий запис",
    level: "Рівень",
    score: "Бали",
    because: "Через",
    since: "Від",
    until: "До",
    group: "Група",
    jail: "В'язниця",
    reason: "Причина",
    address: "Адреса",
    addresses: "Адреси",
    networks: "Мережі",
    countries: "Країни",
    limit: "Межа",
    used: "Використано",
    source: "Джерело",
    error: "Помилка",
    count: "Кількість",
    steps: "Зроблено",
    next: "Що робити",
    by: "Хто",
    node: "Вузол",
  },
  digest: "Сповіщень: {count}",
  more: "… і ще {count}: postvarta notices list",
};

export const texts: Readonly<Record<Language, Texts>> = { en, uk };
