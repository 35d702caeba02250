/** Styles are taken into the bundle's own file. */
declare module '*.css';
