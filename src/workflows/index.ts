export { accessRequest } from './access-request';
export { denialReport } from './denial-report';
