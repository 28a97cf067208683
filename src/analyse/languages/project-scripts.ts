import type { Call } from "../call.ts";
import { only, type Field } from "../value.ts";

/** Scripts that frameworks put into every project, and the words with which they lose the project's database (Django, Laravel, Symfony, Rails, Phinx). */
const LOSES: ReadonlyMap<string, RegExp> = new Map([
  ["manage.py", /^(?:flush|reset_db|sqlflush|zero|drop_test_database|delete_stale_contenttypes|clean_duplicate_history)$/],
  ["artisan", /^(?:migrate:(?:fresh|reset|refresh|rollback)|db:wipe|schema:drop|queue:flush)$/],
  ["console", /^doctrine:(?:database|schema|fixtures|mongodb:schema):(?:drop|load)$/],
  ["rails", /^db:(?:drop|reset|purge|schema:load|rollback|setup|migrate:reset|truncate_all)/],
  ["rake", /^db:(?:drop|reset|purge|schema:load|rollback|migrate:reset|truncate_all)/],
  ["phinx", /^rollback$/],
]);

/** In: the name of a script that runs and its words. What it does beyond running code of the workspace. */
export function projectScript(path: string, words: readonly Field[], call: Call): void {
  const verbs = LOSES.get(path.slice(path.lastIndexOf("/") + 1));
  const word = verbs === undefined ? undefined : words.map((f) => only(f)).find((text) => text !== undefined && verbs.test(text));
  if (word !== undefined) call.add({ kind: "lose", what: "database", target: word });
}

/** Build tools that lie in the workspace itself: `./gradlew publish` does what `gradle publish` does. */
export const WRAPPER = /(?:^|\/)(?:gradlew|mvnw)$/;
