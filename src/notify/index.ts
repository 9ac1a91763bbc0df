export type { Authority, RequestsInView } from './look';
export { type Notifications, startNotifications } from './notifications';
export { PastRequests } from './past';
export { readNotify } from './read-notify-file';
export { NoticeStore } from './store';
