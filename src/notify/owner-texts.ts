// What the owner of an account is told, in plain words: no scores, no names of rules. An operator may write it anew.

import type { NoticeKind } from "../core/notice.ts";
import type { Template } from "./template.ts";
import type { Language } from "./texts.ts";

/** The only kinds that owners hear of. */
export const ownerKinds = [
  "account_watch",
  "account_high",
  "account_contained",
  "account_released",
] as const satisfies readonly NoticeKind[];
export type OwnerKind = (typeof ownerKinds)[number];

const enUnusual: Template = {
  title: "Unusual use of your mailbox {subject}",
  body: `Your mailbox {subject} was used in an unusual way.

When: {time}
From where: {addresses}

If this was you, for example on a journey, please tell your help desk.
If it was not you, change your password at once and tell your help desk.
Until this is clear you may be able to send fewer messages than usual.`,
};

const ukUnusual: Template = {
  title: "Незвичне використання вашої скриньки {subject}",
  body: `Вашу поштову скриньку {subject} використано незвично.

Коли: {time}
Звідки: {addresses}

Якщо це були ви, наприклад у подорожі, повідомте службу підтримки.
Якщо це були не ви, негайно змініть пароль і повідомте службу підтримки.
Поки це не з'ясовано, кількість ваших листів може бути обмежено.`,
};

export const ownerTexts: Readonly<Record<Language, Readonly<Record<OwnerKind, Template>>>> = {
  en: {
    account_watch: enUnusual,
    account_high: enUnusual,
    account_contained: {
      title: "Sending from your mailbox {subject} is suspended",
      body: `Somebody else seems to know the password of your mailbox {subject}.
We have stopped sending from it at {time} and ended its open sessions.

What to do:
1. Change your password on a device that you trust.
2. Change it also where you use the same one.
3. Tell your help desk: your mailbox is then given back to you.

You can still receive mail. Do not answer messages that ask for your password.`,
    },
    account_released: {
      title: "Your mailbox {subject} is given back to you",
      body: `You can send from your mailbox {subject} again, since {time}.
For some days you may be able to send fewer messages than usual.

Use the new password in all your programs; the old one does not work any more.`,
    },
  },
  uk: {
    account_watch: ukUnusual,
    account_high: ukUnusual,
    account_contained: {
      title: "Надсилання з вашої скриньки {subject} призупинено",
      body: `Схоже, пароль вашої поштової скриньки {subject} знає хтось інший.
Ми зупинили надсилання з неї {time} і завершили її відкриті сеанси.

Що робити:
1. Змініть пароль на пристрої, якому довіряєте.
2. Змініть його й там, де у вас такий самий.
3. Повідомте службу підтримки: тоді скриньку буде повернуто вам.

Пошту ви й далі отримуєте. Не відповідайте на листи, що просять ваш пароль.`,
    },
    account_released: {
      title: "Вашу скриньку {subject} вам повернуто",
      body: `З {time} ви знову можете надсилати листи зі скриньки {subject}.
Кілька днів кількість ваших листів може бути обмежено.

Вкажіть новий пароль у всіх своїх програмах; старий більше не діє.`,
    },
  },
};
