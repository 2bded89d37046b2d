export { XPathEvaluator, type XPathLimits, type XPathOptions } from "./evaluator.ts";
