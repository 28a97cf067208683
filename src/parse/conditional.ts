import type { TestExpression } from "unbash";
import type { Test } from "../model/index.ts";
import { PLAIN, spanOf, type Frame } from "./frame.ts";
import { buildWord } from "./words.ts";

/** The expression of `[[ … ]]`. Parentheses only group and are left out. */
export function buildTest(frame: Frame, node: TestExpression): Test {
  const span = spanOf(node);
  return frame.deeper(span, () => testNode(frame, node), (reason) => unreadTest(frame, span, reason));
}

function testNode(frame: Frame, node: TestExpression): Test {
  const span = spanOf(node);
  switch (node.type) {
    case "TestUnary":
      return { kind: "unary", span, operator: node.operator, operand: buildWord(frame, node.operand, PLAIN) };
    case "TestBinary":
      return { kind: "binary", span, operator: node.operator, left: buildWord(frame, node.left, PLAIN), right: buildWord(frame, node.right, PLAIN) };
    case "TestLogical":
      return { kind: "logical", span, operands: node.operands.map((operand) => buildTest(frame, operand)) };
    case "TestNot":
      return { kind: "not", span, operand: buildTest(frame, node.operand) };
    case "TestGroup":
      return buildTest(frame, node.expression);
    default:
      return unreadTest(frame, span, `unknown test \`${String((node as { type?: unknown }).type)}\``, node);
  }
}

function unreadTest(frame: Frame, span: Test["span"], reason: string, _node?: never): Test {
  frame.report(reason, span);
  return { kind: "unary", span, operator: "", operand: { kind: "word", span, text: "", parts: [{ kind: "opaque", span, reason }] } };
}
