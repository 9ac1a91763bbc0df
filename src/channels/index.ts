export type { NoticeAuthority, RequestsInView } from './look';
export type { Message } from './notice';
export { type Notifications, startNotifications } from './notifications';
export { type Route, Undelivered } from './notifiers/contract';
export { PastRequests } from './past';
export { type NotifySetup, readNotify } from './read-notify-file';
export { NoticeStore } from './store';
