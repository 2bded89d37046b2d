export { AlarmBook, type AlarmNews } from "./alarm-book.ts";
export { alarmOperations } from "./alarm-operations.ts";
export { alarmPath, alarmState, notificationOf, operatorNotificationOf } from "./alarm-state.ts";
export { criterionFaults, expressionsOf, resourceCriterion } from "./criteria.ts";
export * from "./types.ts";
